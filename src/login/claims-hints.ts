// What a login should have said of the person and did not, with what to do about it.
import type { Config } from '../options/config.ts'
import type { User } from '../record/person.ts'

/** What that login asked for. */
type Asked = Pick<Config, 'authorizationParams' | 'userInfo'>

/** What the scope `profile` asks for (OpenID Connect Core §5.4), and what else an ID token calls people by. */
const OF_PEOPLE =
  'name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at email phone_number address'.split(
    ' ',
  )

/** @param user everything that is known of whoever has just logged in */
export function claimsHints(asked: Asked, user: User): string[] {
  return [nothingHint(asked, user), groupsHint(user)].filter((hint) => hint !== undefined)
}

function nothingHint({ authorizationParams, userInfo }: Asked, user: User): string | undefined {
  const asked = authorizationParams.scope?.split(' ').includes('profile') === true
  if (!asked || OF_PEOPLE.some((claim) => claim in user)) return undefined
  // §5.4: with an access token, these claims come from the userinfo endpoint.
  return userInfo === undefined
    ? "a login brought nothing about the person but sub, although scope 'profile' was asked for: this provider says the rest at its userinfo endpoint. Set auth()'s option userInfo: true"
    : "a login brought nothing about the person but sub, although scope 'profile' was asked for and userInfo is set: check at the provider which claims this client may have, and the option userInfo, which may name others"
}

/** Entra ID: of a person in more than some 200 groups the ID token says only where to ask (OpenID Connect Core §5.6.2). */
function groupsHint(user: User): string | undefined {
  const { _claim_names: elsewhere } = user
  const isElsewhere =
    typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, 'groups')
  return isElsewhere && !('groups' in user)
    ? "a person is in more groups than fit into an ID token, so the claim groups is not there, which is not the same as none (_claim_names). In Entra ID, choose 'Groups assigned to the application', or app roles (the claim roles); or ask Microsoft Graph (/me/getMemberObjects) in afterCallback"
    : undefined
}
