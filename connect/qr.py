"""Links as QR codes: one path of an SVG, without any style, so that our policy lets it be drawn in a page."""

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

QUIET_ZONE = 4
# Weighing all eight masks takes most of the time; on a sheet of a thousand codes one will do, and reads as well.
FIXED_MASK = 3


def qr_path(text: str, *, quickly: bool = False) -> tuple[str, int]:
    """Return the path of a text's dark squares and the side of the whole code with its quiet zone, in squares."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=FIXED_MASK if quickly else None)
    code.add_data(text)
    code.make(fit=True)
    matrix = code.get_matrix()
    runs = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
            x += 1
    return "".join(runs), len(matrix)
