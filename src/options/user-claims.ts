// Which claims about the person the page is told.
import { isPersonal } from '../record/id-token-claims.ts'
import { optionError } from './read-option.ts'

/** What a page greets people with and speaks to them by (OpenID Connect Core §5.1). */
const DEFAULT_CLAIMS =
  'name given_name family_name middle_name nickname preferred_username picture email email_verified zoneinfo locale'

/** `sub` is always told. */
export function resolveUserClaims(given: unknown): readonly string[] {
  if (given === undefined) return resolveUserClaims(DEFAULT_CLAIMS.split(' '))
  if (!Array.isArray(given))
    throw optionError('userClaims', "must be a list of claims, for example ['name', 'roles']")
  for (const claim of given) {
    if (typeof claim !== 'string' || claim === '') {
      throw optionError('userClaims', `must hold names of claims, not ${JSON.stringify(claim)}`)
    }
    if (!isPersonal(claim)) {
      throw optionError(
        'userClaims',
        `must hold claims about the person, not ${claim}; GET /me tells of the session what a page may know`,
      )
    }
  }
  return Object.freeze([...new Set(['sub', ...given])])
}
