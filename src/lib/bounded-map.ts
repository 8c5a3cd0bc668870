// Memory that does not grow without end.

/** Keeps the newest `most` entries: the one that was put first goes first. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number

  constructor(most: number) {
    super()
    this.#most = most
  }

  override set(key: Key, value: Value): this {
    this.delete(key)
    // A Map keeps the order in which its keys came.
    const [oldest] = this.size < this.#most ? [] : this.keys()
    if (oldest !== undefined) this.delete(oldest)
    return super.set(key, value)
  }
}
