// An OpenID provider for an app's tests: it lives in the process, and answers what `auth()` asks of one.
import { randomBytes } from 'node:crypto'
import type { ProviderFetch } from '../index.ts'
import { createPeople, type Grant, type LoginOptions, type People, type TestPerson } from './people.ts'
import { challengeOf, publicKeys, signToken } from './signing.ts'

export interface TestProvider extends Pick<People, 'block' | 'unblock' | 'change'> {
  readonly issuer: string
  /** In the place of the network: the option `provider.fetch`. */
  readonly fetch: ProviderFetch
  /**
   * What an API of the test does with a request: takes an access token that is still good, or answers 401.
   *
   * @param authorization the request's header, `Bearer …`
   * @returns whose token that is; undefined for any other
   * @example testProvider().personOf(req.get('authorization'))
   */
  personOf(authorization: string | undefined): TestPerson | undefined
  /** No access token that is out is good any more, of that person or of anybody: APIs answer 401, until a renewal. */
  endAccessTokens(sub?: string): void
  /** Nothing is answered until `up()`. */
  down(): void
  up(): void
  /**
   * What the person does there: logs in, and is sent back.
   *
   * @param url where the app sent the browser
   */
  logIn(url: string, person: TestPerson, options?: LoginOptions): WayBack
}

/** To the app's callback: a page with these parameters, or a form that is posted there. */
export interface WayBack {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly params: URLSearchParams
}

const TOKEN_SECONDS = 3600
const newSecret = () => randomBytes(24).toString('base64url')

export function createTestProvider(issuer: string): TestProvider {
  const people = createPeople()
  const codes = new Map<string, { readonly grant: Grant; readonly isDue: boolean }>()
  const refreshTokens = new Map<string, { readonly grant: Grant; isSpent: boolean }>()
  const accessTokens = new Map<string, Grant>()
  const pushed = new Map<string, URLSearchParams>()
  let isUp = true

  const document = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    revocation_endpoint: `${issuer}/revoke`,
    end_session_endpoint: `${issuer}/logout`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    response_types_supported: ['code'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  }

  function answer(
    path: string,
    form: URLSearchParams,
    authorization: string,
  ): [status: number, body: object] {
    switch (path) {
      case '/.well-known/openid-configuration':
        return [200, document]
      case '/jwks':
        return [200, publicKeys()]
      case '/par': {
        const request_uri = `urn:ietf:params:oauth:request_uri:${newSecret()}`
        pushed.set(request_uri, form)
        return [201, { request_uri, expires_in: 60 }]
      }
      case '/token':
        return form.get('grant_type') === 'refresh_token' ? renew(form) : exchange(form)
      case '/revoke':
        revoke(refreshTokens.get(form.get('token') ?? '')?.grant)
        return [200, {}]
      case '/userinfo': {
        const person = personOf(authorization)
        return person ? [200, person] : [401, { error: 'invalid_token' }]
      }
      default:
        return [404, { error: 'not_found' }]
    }
  }

  function personOf(authorization = ''): TestPerson | undefined {
    const [, token = ''] = /^Bearer (.+)$/i.exec(authorization) ?? []
    const grant = accessTokens.get(token)
    return grant && people.newest(grant.person)
  }

  function exchange(form: URLSearchParams): [number, object] {
    const code = form.get('code') ?? ''
    const known = codes.get(code)
    codes.delete(code)
    const isProven =
      known !== undefined &&
      known.grant.params.get('code_challenge') === challengeOf(form.get('code_verifier') ?? '') &&
      known.grant.params.get('redirect_uri') === form.get('redirect_uri')
    if (!isProven || people.isBlocked(known.grant.person.sub)) return [400, { error: 'invalid_grant' }]
    return [200, tokensOf(known.grant, known.isDue)]
  }

  /** Strict, as providers with rotation are: a refresh token that comes again ends all of the grant. */
  function renew(form: URLSearchParams): [number, object] {
    const known = refreshTokens.get(form.get('refresh_token') ?? '')
    if (known?.isSpent) revoke(known.grant)
    const mayPass = known !== undefined && !known.grant.isRevoked && !people.isBlocked(known.grant.person.sub)
    if (!mayPass) return [400, { error: 'invalid_grant' }]
    known.isSpent = true
    return [200, tokensOf(known.grant, false)]
  }

  function revoke(grant: Grant | undefined): void {
    if (grant !== undefined) grant.isRevoked = true
  }

  function tokensOf(grant: Grant, isDue: boolean): object {
    const { params, authTime, person } = grant
    const now = Math.floor(Date.now() / 1000)
    const nonce = params.get('nonce')
    const claims = {
      ...people.newest(person),
      iss: issuer,
      aud: params.get('client_id'),
      iat: now,
      // Within the tolerance of clocks, so that the login passes.
      exp: isDue ? now - 1 : now + TOKEN_SECONDS,
      auth_time: authTime,
      ...(nonce !== null && { nonce }),
    }
    const [access_token, refresh_token] = [newSecret(), newSecret()]
    const scope = params.get('scope') ?? ''
    const isOffline = scope.split(' ').includes('offline_access')
    accessTokens.set(access_token, grant)
    if (isOffline) refreshTokens.set(refresh_token, { grant, isSpent: false })
    return {
      access_token,
      token_type: 'Bearer',
      expires_in: TOKEN_SECONDS,
      scope,
      id_token: signToken(claims),
      ...(isOffline && { refresh_token }),
    }
  }

  return {
    issuer,
    block: people.block,
    unblock: people.unblock,
    change: people.change,
    personOf,
    endAccessTokens: (sub) => {
      for (const [token, { person }] of accessTokens) {
        if (sub === undefined || person.sub === sub) accessTokens.delete(token)
      }
    },
    down: () => {
      isUp = false
    },
    up: () => {
      isUp = true
    },

    async fetch(url, { body, headers }) {
      const cause = Object.assign(new Error('the test provider is down'), { code: 'ECONNREFUSED' })
      if (!isUp) throw new TypeError('fetch failed', { cause })
      const authorization = new Headers(headers).get('authorization') ?? ''
      const path = new URL(url).pathname.slice(new URL(issuer).pathname.replace(/\/$/, '').length)
      const [status, answered] = answer(path, new URLSearchParams(body ?? ''), authorization)
      return Response.json(answered, { status })
    },

    logIn(url, person, { authenticatedSecondsAgo = 0, due = false } = {}) {
      const query = new URL(url).searchParams
      const params = pushed.get(query.get('request_uri') ?? '') ?? query
      const code = newSecret()
      const isRefused = people.isBlocked(person.sub)
      const authTime = Math.floor(Date.now() / 1000) - authenticatedSecondsAgo
      if (!isRefused) codes.set(code, { grant: { person, authTime, params, isRevoked: false }, isDue: due })
      return {
        method: params.get('response_mode') === 'form_post' ? 'POST' : 'GET',
        url: params.get('redirect_uri') ?? '',
        params: new URLSearchParams({
          state: params.get('state') ?? '',
          iss: issuer,
          ...(isRefused ? { error: 'access_denied' } : { code }),
        }),
      }
    },
  }
}
