"""Small documents of the formats that searches look into."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping


def zipped(parts: Mapping[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return out.getvalue()


def pdf(text: str) -> bytes:
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def docx(*lines: str, runs: bool = False) -> bytes:
    """`runs`: all in one paragraph, a run for each."""
    inside = "".join(f"<w:r><w:t>{line}</w:t></w:r>{'' if runs else '</w:p><w:p>'}" for line in lines)
    body = f'<w:document xmlns:w="urn:w"><w:body><w:p>{inside}</w:p></w:body></w:document>'
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": body})


def xlsx(texts: list[str], numbers: list[float]) -> bytes:
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    cells = "".join(f'<c t="s"><v>{at}</v></c>' for at in range(len(texts)))
    cells += "".join(f"<c><v>{number}</v></c>" for number in numbers)
    return zipped(
        {
            "xl/sharedStrings.xml": f"<sst>{shared}</sst>",
            "xl/worksheets/sheet1.xml": f"<worksheet><sheetData><row>{cells}</row></sheetData></worksheet>",
        }
    )


def pptx(*slides: str) -> bytes:
    head = '<p:sld xmlns:p="urn:p" xmlns:a="urn:a">'
    return zipped(
        {
            f"ppt/slides/slide{at}.xml": f"{head}<a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>"
            for at, text in enumerate(slides, 1)
        }
    )


def odt(*lines: str) -> bytes:
    inside = "".join(f"<text:p>{line}</text:p>" for line in lines)
    return zipped(
        {
            "content.xml": '<office:document-content xmlns:office="urn:o" xmlns:text="urn:t"><office:body>'
            f"{inside}</office:body></office:document-content>"
        }
    )


def with_file(document: bytes, media_type: str, name: str = "", subject: str = "files") -> bytes:
    label = f'; name="{name}"' if name else ""
    """A letter with a document attached."""
    return (
        f"Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n"
        f"--q\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n--q\r\nContent-Type: {media_type}{label}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + (base64.encodebytes(document).replace(b"\n", b"\r\n") + b"\r\n--q--\r\n")
