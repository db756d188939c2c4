// sorted.mjs - rows kept in the order of one of their keys, so that a page of 100,000 rows costs no sorting.

export class Sorted {
  #rows; // undefined until somebody asks: loading many rows costs nothing
  #source;
  #key;

  // source(): all rows; key: the property they are sorted by, ids decide between equals.
  constructor(source, key) {
    this.#source = source;
    this.#key = key;
  }

  get rows() {
    this.#rows ??= [...this.#source()].sort((a, b) => this.#compare(a, b));
    return this.#rows;
  }

  add(row) {
    if (this.#rows) this.#rows.splice(this.#place(row), 0, row);
  }

  // Before the key of a row changes, or before it goes.
  remove(row) {
    if (!this.#rows) return;
    const at = this.#place(row);
    if (this.#rows[at] === row) this.#rows.splice(at, 1);
    else this.#rows = undefined; // its key was changed without a word: sort again when asked
  }

  #compare(a, b) {
    return a[this.#key] - b[this.#key] || a.id - b.id;
  }

  #place(row) {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.#rows[middle], row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
