// The option `userInfo`: what is taken from the provider's userinfo endpoint, and when.
import { isPersonal } from '../record/id-token-claims.ts'
import { flag, group, namesOf, onlyKnown, optionError } from './read-option.ts'

/**
 * @example auth({ userInfo: { claims: ['groups'], atRenewal: true } })
 */
export interface UserInfoOptions {
  /** The claims to take from it. @defaultValue all that are about the person */
  claims?: readonly string[] | undefined
  /** Asks it at every renewal too. Where that fails, what was known stays. @defaultValue `false` */
  atRenewal?: boolean | undefined
}

export interface UserInfoConfig {
  /** Undefined: all that are about the person. */
  readonly claims: readonly string[] | undefined
  readonly atRenewal: boolean
}

const NAMES = namesOf<UserInfoOptions>({ claims: true, atRenewal: true })

export function resolveUserInfo(given: unknown): UserInfoConfig | undefined {
  if (given === undefined || given === false) return undefined
  const isWhole = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (!isWhole && given !== true && !Array.isArray(given))
    throw optionError(
      'userInfo',
      "must be true, a list of claims such as ['groups'], or { claims, atRenewal }",
    )
  const { claims, atRenewal, ...others } = isWhole ? group(given, 'userInfo') : { claims: given }
  onlyKnown(others, NAMES, 'userInfo.')
  return Object.freeze({
    claims: resolveClaims(claims, isWhole ? 'userInfo.claims' : 'userInfo'),
    atRenewal: flag(atRenewal, 'userInfo.atRenewal', false),
  })
}

function resolveClaims(given: unknown, option: string): readonly string[] | undefined {
  if (given === undefined || given === true) return undefined
  if (!Array.isArray(given) || given.length === 0)
    throw optionError(
      option,
      "must be a list of claims, for example ['groups', 'name'], or true for all of them",
    )
  for (const claim of given) {
    if (typeof claim !== 'string' || claim === '')
      throw optionError(option, `must hold names of claims, not ${JSON.stringify(claim)}`)
    if (!isPersonal(claim))
      throw optionError(
        option,
        `must hold claims about the person, not ${claim}, which only an ID token can say`,
      )
  }
  return Object.freeze([...new Set<string>(given)])
}
