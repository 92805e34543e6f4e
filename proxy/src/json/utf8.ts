/** Writes a code point (a lone surrogate too) as UTF-8 and returns how many bytes it took. `out` has room for four. */
export function encodePoint(point: number, out: Uint8Array): number {
  if (point < 0x80) {
    out[0] = point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = 0xc0 | (point >> 6);
    out[1] = 0x80 | (point & 0x3f);
    return 2;
  }
  if (point < 0x10000) {
    out[0] = 0xe0 | (point >> 12);
    out[1] = 0x80 | ((point >> 6) & 0x3f);
    out[2] = 0x80 | (point & 0x3f);
    return 3;
  }
  out[0] = 0xf0 | (point >> 18);
  out[1] = 0x80 | ((point >> 12) & 0x3f);
  out[2] = 0x80 | ((point >> 6) & 0x3f);
  out[3] = 0x80 | (point & 0x3f);
  return 4;
}
