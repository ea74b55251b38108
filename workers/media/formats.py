"""The allow-list of formats, and what the endings of names claim."""

from schemas.asset import MediaType

#: The allow-list: what we read, as which kind of media.
_READ: dict[MediaType, str] = {
    MediaType.IMAGE: """
        image/jpeg image/png image/gif image/webp image/avif image/heif image/tiff image/bmp
        image/jp2 image/x-icon image/icns image/vnd.adobe.photoshop image/qoi image/sgi
        image/x-portable-anymap""",
    MediaType.DOCUMENT: """
        application/pdf application/rtf application/epub+zip message/rfc822
        application/msword application/vnd.ms-excel application/vnd.ms-powerpoint
        application/vnd.ms-outlook
        application/vnd.openxmlformats-officedocument.wordprocessingml.document
        application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
        application/vnd.openxmlformats-officedocument.presentationml.presentation
        application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.spreadsheet
        application/vnd.oasis.opendocument.presentation
        application/zip
        text/html text/plain text/markdown text/csv text/asciidoc""",
    MediaType.AUDIO: """
        audio/mpeg audio/aac audio/mp4 audio/wav audio/aiff audio/flac audio/ogg audio/webm
        audio/x-matroska audio/x-ms-wma audio/amr audio/ape audio/wavpack audio/tta
        audio/musepack audio/x-caf audio/basic audio/dsf audio/ac3 audio/dts""",
    MediaType.VIDEO: """
        video/mp4 video/quicktime video/webm video/x-matroska video/x-msvideo video/ogg
        video/x-ms-asf video/x-flv video/mpeg video/mp2t application/mxf""",
}
MEDIA_TYPES = {mime: kind for kind, mimes in _READ.items() for mime in mimes.split()}

#: What an ending claims to be. Endings that are not here claim nothing.
_CLAIMS: dict[MediaType, str] = {
    MediaType.IMAGE: """jpg jpeg jpe jfif png apng gif webp avif avifs heic heif hif tif tiff bmp
        dib jp2 j2k j2c jpf jpx ico icns psd qoi sgi rgb bw pbm pgm ppm pnm jxl svg eps tga dds
        cr3""",
    MediaType.DOCUMENT: """pdf doc docx docm dot dotx xls xlsx xlsm xltx xlsb ppt pptx pptm potx
        ppsx odt ods odp epub rtf msg eml html htm xhtml txt text md markdown csv tsv adoc asciidoc
        rst tex log""",
    MediaType.AUDIO: """mp3 mp2 aac m4a m4b wav wave aif aiff aifc flac ogg oga opus spx mka wma
        amr ape wv tta mpc caf au snd ac3 dts mid midi""",
    MediaType.VIDEO: """mp4 m4v mov qt mkv webm avi ogv wmv asf flv mpg mpeg m2v vob ts mts m2ts
        mxf 3gp 3g2""",
}
CLAIMS = {ending: kind for kind, endings in _CLAIMS.items() for ending in endings.split()}

#: Endings under which a ZIP is an archive of files; `.jar`, `.apk`, `.pt` are parts of programs.
ARCHIVE_ENDINGS = frozenset({"", "zip", "cbz"})

#: Which kind of text a name says it is; content can't tell.
TEXT_TYPES = {
    "md": "text/markdown",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/csv",
    "adoc": "text/asciidoc",
    "asciidoc": "text/asciidoc",
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "text/html",
    "eml": "message/rfc822",
    # Machine data, not prose: refused by the allow-list.
    "json": "application/json",
    "jsonl": "application/jsonl",
    "geojson": "application/json",
    "xml": "application/xml",
    "svg": "image/svg+xml",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "toml": "application/toml",
    "js": "text/javascript",
    "css": "text/css",
    "m3u8": "application/vnd.apple.mpegurl",
    "m3u": "audio/x-mpegurl",
}
#: Endings of documents that are never plain text.
_BINARY_DOCUMENTS = "pdf docx docm xlsx xlsm xlsb pptx pptm odt ods odp epub msg ppt"
BINARY_DOCUMENTS = frozenset(_BINARY_DOCUMENTS.split())
