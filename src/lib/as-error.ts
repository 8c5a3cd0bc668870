// What was thrown, as something that `next()` takes for an error.

/** Express takes a falsy value, 'route' and 'router' for "go on", whoever threw them. */
export function asError(thrown: unknown): object {
  return typeof thrown === 'object' && thrown !== null
    ? thrown
    : new TypeError(`${String(thrown)} was thrown, which is no Error`)
}
