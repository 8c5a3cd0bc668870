// The providers of docs/providers as far as their habits are known; where a habit is from memory, the page says so.
import { accountChooser } from './habits/account-chooser.ts'
import { goneAsInvalidRequest } from './habits/gone-as-invalid-request.ts'
import { grace } from './habits/grace.ts'
import { noAccessToken } from './habits/no-access-token.ts'
import { noAuthTime } from './habits/no-auth-time.ts'
import { noEndSession } from './habits/no-end-session.ts'
import { noRotation } from './habits/no-rotation.ts'
import { offlineAlways } from './habits/offline-always.ts'
import { offlineByAccessType } from './habits/offline-by-access-type.ts'
import { offlineByScope } from './habits/offline-by-scope.ts'
import { renewsBlocked } from './habits/renews-blocked.ts'
import { resources } from './habits/resources.ts'
import { secondIssuer, secondIssuerOf } from './habits/second-issuer.ts'
import { sessionNames } from './habits/session-names.ts'
import { thinIdToken } from './habits/thin-id-token.ts'
import type { Profile } from './profile.ts'

const A_DAY = 86_400

/** As the specifications have it. */
const PLAIN = {
  settings: 'first',
  says: 'name',
  revoked: 'at once',
  blocked: 'ends',
  logout: 'returns',
  backChannel: 'none',
  stepUp: 'by max_age',
} as const

export const PROFILES: readonly Profile[] = [
  { ...PLAIN, page: 'adfs', habits: [offlineAlways, noRotation, resources], stepUp: 'not known' },
  {
    ...PLAIN,
    page: 'apple',
    habits: [offlineAlways, noRotation, noEndSession, noAuthTime],
    options: () => ({ idpLogout: false }),
    says: 'nothing',
    logout: 'here alone',
    stepUp: 'refused',
  },
  { ...PLAIN, page: 'auth0', habits: [offlineByScope, grace(60), sessionNames], backChannel: 'ends' },
  {
    ...PLAIN,
    page: 'authentik',
    settings: 'env alone',
    habits: [offlineByScope, sessionNames],
    backChannel: 'ends',
  },
  {
    ...PLAIN,
    page: 'azure-ad-b2c',
    habits: [offlineByScope, grace(A_DAY), noAccessToken, secondIssuer],
    options: (provider) => ({ provider: { metadata: { issuer: secondIssuerOf(provider) } } }),
    says: 'nothing',
    logout: 'address',
    stepUp: 'not known',
  },
  {
    ...PLAIN,
    page: 'cognito',
    habits: [offlineAlways, grace(60), noEndSession],
    logout: 'address',
    stepUp: 'not known',
  },
  {
    ...PLAIN,
    page: 'dex',
    settings: 'env alone',
    habits: [offlineByScope, sessionNames, goneAsInvalidRequest, renewsBlocked],
    revoked: 'after five refusals',
    blocked: 'renews',
    backChannel: 'ends',
  },
  { ...PLAIN, page: 'entra-id', habits: [offlineByScope, grace(A_DAY)], stepUp: 'not known' },
  {
    ...PLAIN,
    page: 'google',
    habits: [offlineByAccessType, noRotation, accountChooser, noEndSession, noAuthTime],
    logout: 'here alone',
    stepUp: 'refused',
  },
  {
    ...PLAIN,
    page: 'keycloak',
    settings: 'env alone',
    habits: [offlineByScope, sessionNames],
    backChannel: 'ends',
  },
  {
    ...PLAIN,
    page: 'lemonldap-ng',
    habits: [offlineByScope, noRotation, goneAsInvalidRequest],
    revoked: 'after five refusals',
    blocked: 'ends',
  },
  {
    ...PLAIN,
    page: 'oidc-provider',
    habits: [thinIdToken, sessionNames],
    says: 'nothing',
    backChannel: 'ends',
  },
  { ...PLAIN, page: 'okta', habits: [offlineByScope, thinIdToken, grace(60)] },
  {
    ...PLAIN,
    page: 'ory-hydra',
    settings: 'env alone',
    habits: [offlineByScope, thinIdToken, sessionNames],
    says: 'nothing',
    backChannel: 'ends without exp',
  },
  {
    ...PLAIN,
    page: 'zitadel',
    habits: [offlineByScope, thinIdToken, sessionNames],
    backChannel: 'ends',
  },
]
