// oidc-provider as jest's environment has it: loaded once for all test files of a process, in a realm of its own.
import { muteNotices } from './mute-notices.mjs'

const unmute = muteNotices()
const { default: Provider, errors, interactionPolicy } = await import('oidc-provider').finally(unmute)

export { errors, interactionPolicy }

/**
 * @param {string} issuer
 * @param {import('oidc-provider').Configuration} configuration
 */
export function createOidcProvider(issuer, configuration) {
  const unmute = muteNotices()
  try {
    return new Provider(issuer, here(configuration))
  } finally {
    unmute()
  }
}

/**
 * The same in this realm, with all that its functions give: oidc-provider knows objects, sets and functions by their
 * constructors, and a test file has others.
 *
 * @template T
 * @param {T} value
 * @returns {T}
 */
export function here(value) {
  return /** @type {T} */ (made(value))
}

/**
 * @param {unknown} value
 * @returns {unknown}
 */
function made(value) {
  // What is of this realm, or is no object, is as it should be.
  if (Object(value) !== value || value instanceof Object) return value
  if (typeof value === 'function') return Object.assign(calling(value), membersOf(value))
  if (Array.isArray(value)) return Array.from(value, made)
  switch (Object.prototype.toString.call(value)) {
    case '[object Promise]':
      return Promise.resolve(value).then(made)
    case '[object Set]':
      return new Set(Array.from(/** @type {Set<unknown>} */ (value), made))
  }
  return Object(value).constructor?.name === 'Object' ? membersOf(Object(value)) : value
}

/** @param {Function} from */
function calling(from) {
  /**
   * @this {unknown}
   * @param {unknown[]} args
   */
  return function (...args) {
    return made(Reflect.apply(from, this, args))
  }
}

/** @param {object} value */
const membersOf = (value) =>
  Object.fromEntries(Object.entries(value).map(([name, member]) => [name, made(member)]))
