"""Formulas of Office documents (OMML) as LaTeX."""

# ruff: noqa: RUF001 - signs of formulas look like letters

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Deeper nesting is no formula that a person wrote.
_MAX_DEPTH = 40
_SYMBOL_TABLE = (
    "α=alpha β=beta γ=gamma δ=delta ε=varepsilon ϵ=epsilon ζ=zeta η=eta θ=theta ϑ=vartheta "
    "ι=iota κ=kappa λ=lambda μ=mu ν=nu ξ=xi π=pi ϖ=varpi ρ=rho ϱ=varrho σ=sigma ς=varsigma "
    "τ=tau υ=upsilon φ=varphi ϕ=phi χ=chi ψ=psi ω=omega Γ=Gamma Δ=Delta Θ=Theta Λ=Lambda "
    "Ξ=Xi Π=Pi Σ=Sigma Υ=Upsilon Φ=Phi Ψ=Psi Ω=Omega ∞=infty ∂=partial ∇=nabla ×=times "
    "÷=div ±=pm ∓=mp ⋅=cdot ∙=bullet ≤=leq ≥=geq ≠=neq ≈=approx ≡=equiv ∼=sim ≅=cong "
    "∝=propto ≪=ll ≫=gg ∈=in ∉=notin ∋=ni ⊂=subset ⊃=supset ⊆=subseteq ⊇=supseteq ∪=cup "
    "∩=cap ∅=emptyset ∀=forall ∃=exists ¬=neg ∧=wedge ∨=vee ⇒=Rightarrow ⇐=Leftarrow "
    "⇔=Leftrightarrow →=rightarrow ←=leftarrow ↔=leftrightarrow ↦=mapsto …=ldots ⋯=cdots "
    "⋮=vdots ⋱=ddots √=surd ∠=angle ⊥=perp ∥=parallel ℏ=hbar ℓ=ell ℝ=mathbb{R} ℂ=mathbb{C} "
    "ℕ=mathbb{N} ℤ=mathbb{Z} ℚ=mathbb{Q} ∗=ast ∘=circ ⊕=oplus ⊗=otimes ′=prime"
)
_OPERATOR_TABLE = (
    "∑=sum ∏=prod ∐=coprod ∫=int ∬=iint ∭=iiint ∮=oint ∯=oiint ∰=oiiint ⋃=bigcup ⋂=bigcap "
    "⋀=bigwedge ⋁=bigvee ⨁=bigoplus ⨂=bigotimes"
)
_SYMBOLS = dict(pair.split("=") for pair in _SYMBOL_TABLE.split())
_OPERATORS = dict(pair.split("=") for pair in _OPERATOR_TABLE.split())
_ACCENTS = {
    "\u0302": "hat",
    "\u0303": "tilde",
    "\u0304": "bar",
    "\u0305": "overline",
    "\u0307": "dot",
    "\u0308": "ddot",
    "\u030c": "check",
    "\u0306": "breve",
    "\u20d7": "vec",
    "\u20d6": "overleftarrow",
}
_BRACES = {"\u23df": "underbrace", "\u23de": "overbrace", "\u23b5": "underbracket"}
_FUNCTIONS = set(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim "  # noqa: SIM905
    "liminf limsup ln log max min Pr sec sin sinh sup tan tanh".split()
)
_DELIMITERS = {"{": "\\{", "}": "\\}", "": ".", "‖": "\\|"}


def latex(element: "_Element") -> str:
    """One formula (`m:oMath`) as LaTeX, without dollar signs."""
    return " ".join(_inner(element, 0).split())


def _inner(element: "_Element | None", depth: int) -> str:
    """What the children say, one after the other."""
    if element is None or depth > _MAX_DEPTH:
        return ""
    return "".join(_one(child, depth + 1) for child in element)


def _one(element: "_Element", depth: int) -> str:
    tag = str(element.tag).rpartition("}")[2]
    if tag.endswith("Pr"):
        return ""
    write = _WRITERS.get(tag)
    return write(element, depth) if write else _inner(element, depth)


def _part(element: "_Element", name: str, depth: int) -> str:
    return _inner(element.find(f"{{*}}{name}"), depth)


def _property(element: "_Element", name: str, missing: str = "") -> str:
    """Attribute `m:val` of a property of the element."""
    found = element.find(f"{{*}}{element.tag.rpartition('}')[2]}Pr/{{*}}{name}")
    if found is None:
        return missing
    return next((value for key, value in found.attrib.items() if str(key).endswith("val")), "")


def _run(element: "_Element", depth: int) -> str:
    del depth
    text = "".join(piece.text or "" for piece in element.iterfind("{*}t"))
    return "".join(_symbol(character) for character in text)


def _symbol(character: str) -> str:
    name = _SYMBOLS.get(character) or _OPERATORS.get(character)
    if name:
        return f"\\{name} "
    return f"\\{character}" if character in "#$%&_{}" else character


def _fraction(element: "_Element", depth: int) -> str:
    above, below = _part(element, "num", depth), _part(element, "den", depth)
    if _property(element, "type") == "noBar":
        return f"\\genfrac{{}}{{}}{{0pt}}{{}}{{{above}}}{{{below}}}"
    return f"\\frac{{{above}}}{{{below}}}"


def _script(element: "_Element", depth: int) -> str:
    base = _part(element, "e", depth)
    below, above = (element.find(f"{{*}}{name}") for name in ("sub", "sup"))
    low = "" if below is None else f"_{{{_inner(below, depth)}}}"
    high = "" if above is None else f"^{{{_inner(above, depth)}}}"
    before = element.tag.endswith("}sPre")
    return f"{{}}{low}{high}{base}" if before else f"{base}{low}{high}"


def _root(element: "_Element", depth: int) -> str:
    degree = _part(element, "deg", depth)
    return f"\\sqrt{f'[{degree}]' if degree else ''}{{{_part(element, 'e', depth)}}}"


def _large_operator(element: "_Element", depth: int) -> str:
    sign = _property(element, "chr", "∫")
    name = f"\\{_OPERATORS[sign]}" if sign in _OPERATORS else sign
    limits = ((mark, _part(element, part, depth)) for mark, part in (("_", "sub"), ("^", "sup")))
    scripts = "".join(f"{mark}{{{limit}}}" for mark, limit in limits if limit)
    return f"{name}{scripts} {_part(element, 'e', depth)}"


def _delimited(element: "_Element", depth: int) -> str:
    first, last = _property(element, "begChr", "("), _property(element, "endChr", ")")
    between = _property(element, "sepChr", "|")
    inner = between.join(_inner(part, depth) for part in element.iterfind("{*}e"))
    first, last = (_DELIMITERS.get(sign, sign) for sign in (first, last))
    return f"\\left{first}{inner}\\right{last}"


def _function(element: "_Element", depth: int) -> str:
    name = _part(element, "fName", depth).strip()
    stem = name.partition("_")[0]
    if stem in _FUNCTIONS:
        name = f"\\{name}"
    elif stem.isalpha() and len(stem) > 1:
        name = f"\\operatorname{{{stem}}}{name[len(stem) :]}"
    argument = _part(element, "e", depth)
    is_bracketed = "_{" in name or argument.startswith(("(", "\\left", "{"))
    return f"{name}{argument}" if is_bracketed else f"{name}({argument})"


def _limit(element: "_Element", depth: int) -> str:
    mark = "_" if element.tag.endswith("}limLow") else "^"
    base = _part(element, "e", depth)
    limit = _part(element, "lim", depth)
    if base.startswith(("\\underbrace", "\\overbrace")) or base.isalpha():
        return f"{base}{mark}{{{limit}}}"
    return f"\\{'under' if mark == '_' else 'over'}set{{{limit}}}{{{base}}}"


def _accent(element: "_Element", depth: int) -> str:
    name = _ACCENTS.get(_property(element, "chr", "\u0302"), "hat")
    return f"\\{name}{{{_part(element, 'e', depth)}}}"


def _bar(element: "_Element", depth: int) -> str:
    name = "overline" if _property(element, "pos") == "top" else "underline"
    return f"\\{name}{{{_part(element, 'e', depth)}}}"


def _grouped(element: "_Element", depth: int) -> str:
    name = _BRACES.get(_property(element, "chr", "\u23df"), "underbrace")
    return f"\\{name}{{{_part(element, 'e', depth)}}}"


def _lines(element: "_Element", depth: int) -> Iterator[str]:
    for row in element.iterfind("{*}mr"):
        yield " & ".join(_inner(cell, depth) for cell in row.iterfind("{*}e"))
    for line in element.iterfind("{*}e"):
        yield _inner(line, depth)


def _matrix(element: "_Element", depth: int) -> str:
    kind = "matrix" if element.tag.endswith("}m") else "aligned"
    found = list(_lines(element, depth))
    if kind == "aligned" and len(found) == 1:
        return found[0]
    lines = r" \\ ".join(found)
    return f"\\begin{{{kind}}}{lines}\\end{{{kind}}}"


_WRITERS: dict[str, Callable[["_Element", int], str]] = {
    "r": _run,
    "f": _fraction,
    "sSup": _script,
    "sSub": _script,
    "sSubSup": _script,
    "sPre": _script,
    "rad": _root,
    "nary": _large_operator,
    "d": _delimited,
    "func": _function,
    "limLow": _limit,
    "limUpp": _limit,
    "acc": _accent,
    "bar": _bar,
    "groupChr": _grouped,
    "m": _matrix,
    "eqArr": _matrix,
}
