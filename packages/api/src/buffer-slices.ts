declare global {
  // Public methods of Node's Buffer that its type package leaves out: `toString` without the choice of an encoding at each call.
  interface Buffer {
    utf8Slice(start: number, end: number): string
    latin1Slice(start: number, end: number): string
    /** @returns the number of bytes written; characters that do not fit whole are left out. */
    utf8Write(text: string, offset: number): number
  }
}

export {}
