// What the provider is told when a session is over: a token to forget, a session of its own to end.
import * as client from 'openid-client'
import limit from 'p-limit'
import type { AuthEventEmitter } from '../events/events.ts'
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import { createOnceLog } from '../lib/once-log.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { LogoutParams } from '../options/logout.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { personOf } from '../record/user.ts'
import type { Exchange } from './bounded-fetch.ts'
import type { Discovery } from './discovery.ts'
import { describeRefusal } from './refusals.ts'

export interface EndSession {
  /**
   * Tells the provider that a refresh token is over (RFC 7009), best effort: a background task that nobody waits for.
   * `now` is the store's clock, if it is at hand.
   */
  revoke(refreshToken: string, now?: number): void
  /**
   * Where the provider ends its own session, if it can be asked to.
   *
   * @param returnTo the page after it
   * @param params over those of the options
   * @throws TryLaterError
   */
  endSessionURL(record: AuthRecord, returnTo: URL, params: LogoutParams): Promise<URL | undefined>
}

export function createEndSession(
  config: ProviderSetUp,
  discovery: Discovery,
  events: AuthEventEmitter,
  tasks: BackgroundTasks,
): EndSession {
  const { clientID, logout } = config
  const sayOnce = createOnceLog(config.logger.warn)
  const revocations = limit(config.renewal.maxConcurrent)

  async function tellRevoked(refreshToken: string, now: number | undefined): Promise<void> {
    const exchange: Exchange = { signal: undefined, answer: undefined }
    let metadata: Partial<client.ServerMetadata> = {}
    try {
      const server = await (now === undefined ? discovery.get(exchange) : discovery.at(now, exchange))
      metadata = server.serverMetadata()
      if (metadata.revocation_endpoint === undefined) return
      await client.tokenRevocation(server, refreshToken, { token_type_hint: 'refresh_token' })
    } catch (error) {
      const why = describeRefusal(error, config, exchange, metadata)
      events.emit('provider-unavailable', { detail: `Revocation failed: ${why}` })
    }
  }

  return {
    revoke: (refreshToken, now) => tasks.run(revocations(() => tellRevoked(refreshToken, now))),

    async endSessionURL(record, returnTo, params) {
      const endpoint = logout.endpoint?.href ?? (await discovery.document()).end_session_endpoint
      if (endpoint === undefined) return undefined
      // RP-Initiated Logout 1.0 §2
      const rest = {
        [logout.returnToParam]: returnTo.href,
        client_id: clientID,
        ...logout.params,
        ...given(params),
      }
      // To what is no endpoint of that standard an ID token is nothing but somebody's data.
      const whole = logout.isStandard
        ? withParameters(endpoint, { id_token_hint: record.idToken, ...rest })
        : withParameters(endpoint, rest)
      if (whole.href.length <= logout.maxURLBytes || !whole.searchParams.has('id_token_hint')) return whole
      sayOnce(
        `an ID token is too long for the address of a logout (logout.maxURLBytes, ${logout.maxURLBytes}), which goes without id_token_hint: the provider may ask people whether they want to log out. Fewer claims in its ID tokens help, or a larger number where every proxy takes it`,
      )
      return withParameters(endpoint, { logout_hint: hintOf(record), ...rest, id_token_hint: null })
    },
  }
}

/** What is `undefined` is not given. */
function given(params: LogoutParams): LogoutParams {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))
}

/** The address is in ASCII: its length is its bytes. */
function withParameters(endpoint: string, params: LogoutParams): URL {
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries(params)) {
    if (value !== null) url.searchParams.set(name, value)
  }
  return url
}

/** What the provider knows the person by: Entra ID's own claim for it, or what they log in with. */
function hintOf(record: AuthRecord): string | null {
  const { login_hint: own, preferred_username: name, email } = personOf(record)
  return (
    ([own, name, email].find((one) => typeof one === 'string' && one !== '') as string | undefined) ?? null
  )
}

/** @returns what a logout does not do here, or undefined */
export function logoutFault(
  { idpLogout, issuer, logout }: ProviderSetUp,
  metadata: client.ServerMetadata,
): string | undefined {
  if (!idpLogout || logout.endpoint !== undefined || metadata.end_session_endpoint !== undefined) return
  return `${issuer.href} names no end_session_endpoint, so a logout ends the session here only, and single sign-on there will log people in again without asking. Set logout.endpoint where the provider has an address of its own for it; else let every login ask (authorizationParams.prompt: 'login', at Google 'select_account'); idpLogout: false says that it is meant so`
}

/** Says it once, before somebody wonders. */
export function createLogoutNotice(config: ProviderSetUp) {
  const sayOnce = createOnceLog(config.logger.warn)
  return (metadata: client.ServerMetadata): void => {
    const fault = logoutFault(config, metadata)
    if (fault !== undefined) sayOnce(fault)
  }
}
