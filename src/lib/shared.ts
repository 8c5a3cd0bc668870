// What every copy of this package in the process has in common: an app may load it by `import`, a library by `require()`.

/** A copy of another version may keep something else under the same name. A test holds it against package.json. */
export const VERSION = '0.1.0'

/** Made by the copy that is loaded first; asked for at load only, so that requests pay nothing for it. */
export function shared<Value>(name: string, make: () => Value): Value {
  const key = Symbol.for(`express-bff-session@${VERSION} ${name}`)
  const globals = globalThis as unknown as Record<symbol, Value | undefined>
  const known = globals[key]
  if (known !== undefined) return known
  const value = make()
  Object.defineProperty(globalThis, key, { value })
  return value
}

/** In every error of this package, whichever copy of it made the error. */
export const OF_THIS_PACKAGE = Symbol.for('express-bff-session error')

/** `value instanceof kind`, where the value may be of the class by that name in another copy. */
export function isOrIsCopyOf(kind: { readonly name: string }, base: unknown, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(kind, value)) return true
  if (typeof value !== 'object' || value === null || !(OF_THIS_PACKAGE in value)) return false
  return kind === base || ('name' in value && value.name === kind.name)
}
