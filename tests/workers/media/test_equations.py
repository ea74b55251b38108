import pytest
from lxml import etree

from workers.media.equations import latex

M = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def written(markup):
    return latex(etree.fromstring(f'<m:oMath xmlns:m="{M}">{markup}</m:oMath>'))


def run(text):
    return f"<m:r><m:t>{text}</m:t></m:r>"


def part(name, text):
    return f"<m:{name}>{run(text)}</m:{name}>"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (run("A=πr"), r"A=\pi r"),
        (run("a&lt;b"), "a<b"),
        (run("5%"), r"5\%"),
        (f"<m:f>{part('num', 'a')}{part('den', 'b')}</m:f>", r"\frac{a}{b}"),
        (f"<m:sSup>{part('e', 'x')}{part('sup', '2')}</m:sSup>", "x^{2}"),
        (
            f"<m:sSubSup>{part('e', 'N')}{part('sub', 's')}{part('sup', 'H')}</m:sSubSup>",
            "N_{s}^{H}",
        ),
        (f"<m:rad>{part('deg', '3')}{part('e', 'x')}</m:rad>", r"\sqrt[3]{x}"),
        (
            (
                '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>'
                f"{part('sub', 'i')}{part('sup', 'n')}{part('e', 'i')}</m:nary>"
            ),
            r"\sum_{i}^{n} i",
        ),
        (f"<m:nary>{part('e', 'x')}</m:nary>", r"\int x"),
        (
            f'<m:d><m:dPr><m:begChr m:val="{{"/><m:endChr m:val=""/></m:dPr>{part("e", "x")}</m:d>',
            r"\left\{x\right.",
        ),
        (f"<m:func>{part('fName', 'log')}{part('e', 'x')}</m:func>", r"\log(x)"),
        (
            (
                f"<m:func><m:fName><m:limLow>{part('e', 'lim')}{part('lim', 'n')}"
                f"</m:limLow></m:fName>{part('e', 'x')}</m:func>"
            ),
            r"\lim_{n}x",
        ),
        (
            f'<m:acc><m:accPr><m:chr m:val="\u0304"/></m:accPr>{part("e", "x")}</m:acc>',
            r"\bar{x}",
        ),
        (
            (
                f"<m:m><m:mr>{part('e', 'a')}{part('e', 'b')}</m:mr>"
                f"<m:mr>{part('e', 'c')}</m:mr></m:m>"
            ),
            r"\begin{matrix}a & b \\ c\end{matrix}",
        ),
        (f"<m:eqArr>{part('e', 'a')}</m:eqArr>", "a"),
        (f"<m:box><m:boxPr/>{part('e', 'a')}</m:box>", "a"),
    ],
)
def test_latex_writes_each_construct(markup, text):
    assert written(markup) == text


def test_latex_stops_at_nesting_that_nobody_writes():
    deep = "<m:e>" * 100 + run("x") + "</m:e>" * 100

    assert written(f"{run('a')}{deep}") == "a"
