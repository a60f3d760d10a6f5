/** The cursor that a list gives a row with this key, as a client could make it up. */
export function forgedCursor(list: string, key: string): string {
  return Buffer.from(`${list}:${key}\0`).toString('base64url');
}
