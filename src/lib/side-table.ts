// Keeps a value beside an object, where nothing that prints or copies the object finds it.

export interface SideTable<Holder extends object, Value> {
  get(holder: Holder): Value | undefined
  set(holder: Holder, value: Value): void
}

/** A constructor that gives back what it is given: a class that extends it adds its private fields to that. */
const ReturnOverride = function returnOverride(holder: object) {
  return holder
} as unknown as new (
  holder: object,
) => object

/** As a WeakMap does. That is dear for objects that live as short as a request: each garbage collection goes over it. */
export function createSideTable<Holder extends object, Value>(): SideTable<Holder, Value> {
  return class Kept extends ReturnOverride {
    #value: Value

    constructor(holder: object, value: Value) {
      super(holder)
      this.#value = value
    }

    static get(holder: object): Value | undefined {
      return #value in holder ? holder.#value : undefined
    }

    static set(holder: object, value: Value): void {
      if (#value in holder) holder.#value = value
      else new Kept(holder, value)
    }
  }
}
