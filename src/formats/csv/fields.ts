/** Offsets of one record's fields, without their quotes. The next record overwrites them. */
export class Fields {
  count = 0;
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  /** 1 where a field was quoted: a quote inside it is doubled. */
  quoted = new Uint8Array(64);

  /** Doubles the capacity. */
  grow(): void {
    const { starts, ends, quoted } = this;
    this.starts = new Int32Array(starts.length * 2);
    this.ends = new Int32Array(starts.length * 2);
    this.quoted = new Uint8Array(starts.length * 2);
    this.starts.set(starts);
    this.ends.set(ends);
    this.quoted.set(quoted);
  }
}
