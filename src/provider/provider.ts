// The OpenID provider in our words: whose folder alone speaks openid-client.
import type { ServerMetadata } from 'openid-client'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import { createOnceLog } from '../lib/once-log.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { optionsWrong } from '../options/mistakes.ts'
import type { Addressed } from '../options/registered-addresses.ts'
import { createAuthorizationRequests } from './authorization-request.ts'
import { createProviderCheck, type ProviderCheck } from './check.ts'
import { createCredentials } from './client-authentication.ts'
import { createDiscovery } from './discovery.ts'
import { createEndSession, createLogoutNotice, type EndSession } from './end-session.ts'
import { createGrants, type Grants } from './grants.ts'
import { createProviderKeys } from './jwks.ts'
import { createLimiter } from './limiter.ts'
import { createLogoutTokens, type LogoutToken } from './logout-token.ts'
import { announcementFault } from './mix-up.ts'
import { tenantOf } from './tenants.ts'
import { createTokenWatch } from './token-watch.ts'
import { createUserInfoEndpoint, type UserInfoEndpoint } from './userinfo.ts'

export type { CodeExchange, RefreshAnswer } from './grant-answers.ts'

export interface Provider extends EndSession, Grants, Pick<UserInfoEndpoint, 'userInfo' | 'renewedUserInfo'> {
  /** Resolves once the provider's metadata is known. @throws TryLaterError */
  ready(): Promise<void>
  /** Resolves where it answers now. @throws TryLaterError */
  ask(): Promise<void>
  /** Whether it is the provider's name, as the provider writes it. @throws TryLaterError */
  isIssuer(iss: string): Promise<boolean>
  /** Resolves once the provider is known to have what the options ask of it. @throws TryLaterError, ConfigurationError */
  usable(): Promise<void>
  /** Asks all that can be asked without a person. `now` is the store's clock. Never throws. */
  check(now: number, addresses: Addressed): Promise<ProviderCheck>
  /** `now` is the store's clock. @throws RefusedError, TryLaterError */
  authorizationURL(transaction: LoginTransaction, redirectURI: URL, now: number): Promise<URL>
  /**
   * A place among those who exchange codes: to be taken before the code counts as used, and given back.
   *
   * @returns gives it back @throws TryLaterError where all are taken
   */
  takePlace(): () => void
  /** What a logout token says. `now` is the store's clock. @throws RefusedError, TryLaterError */
  logoutToken(token: string, now: number): Promise<LogoutToken>
}

export function createProvider(
  config: ProviderSetUp,
  events: AuthEventEmitter,
  tasks: BackgroundTasks,
): Provider {
  const credentials = createCredentials(config)
  const discovery = createDiscovery(config, events, credentials.authentication)
  const requests = createAuthorizationRequests(config, discovery, credentials)
  const keys = createProviderKeys(config, discovery)
  const endSession = createEndSession(config, discovery, events, tasks)
  const tellOfLogout = createLogoutNotice(config)
  const warnOnce = createOnceLog(config.logger.warn)
  const sayOnce = createOnceLog(config.logger.error)
  const places = createLimiter(config.provider.maxConcurrentLogins)
  const userInfo = createUserInfoEndpoint(config, discovery, keys, events)
  const grants = createGrants(config, discovery, keys, endSession, createTokenWatch(events))

  /** Before somebody wonders. */
  function tellOfSetUp(document: ServerMetadata): void {
    tellOfLogout(document)
    const fault = announcementFault(document, config)
    if (fault !== undefined) warnOnce(fault)
  }

  /** An app that does not ask whether it is ready hears of them as well. */
  function tellFaults(document: ServerMetadata): readonly string[] {
    const faults = [...requests.faultsIn(document), ...userInfo.faultsIn(document)]
    for (const fault of faults) sayOnce(fault)
    return faults
  }

  return {
    async ready() {
      await discovery.document()
    },

    ask: discovery.ask,

    async isIssuer(iss) {
      const { issuer } = await discovery.document()
      return config.issuerTenants === undefined ? iss === issuer : tenantOf(issuer, iss) !== undefined
    },

    async usable() {
      const document = await discovery.check()
      tellOfSetUp(document)
      const faults = tellFaults(document)
      if (faults.length > 0) throw optionsWrong(faults)
    },

    check: createProviderCheck(config, discovery, requests, userInfo),

    async authorizationURL(transaction, redirectURI, now) {
      const url = await requests.authorizationURL(transaction, redirectURI, now)
      const document = await discovery.document()
      tellOfSetUp(document)
      tellFaults(document)
      return url
    },

    takePlace() {
      const leave = places.tryEnter()
      if (leave === undefined) throw discovery.unavailable('Too many codes are being exchanged')
      return leave
    },

    ...grants,

    /** Whom the provider knows too little of is not let in, and leaves no token behind that still works. */
    async exchangeCode(callback, transaction, now, mayRevoke) {
      const login = await grants.exchangeCode(callback, transaction, now, mayRevoke)
      try {
        return { ...login, userInfo: await userInfo.userInfoAtLogin(login, now) }
      } catch (error) {
        if (mayRevoke && login.tokens.refreshToken !== undefined)
          endSession.revoke(login.tokens.refreshToken, now)
        throw error
      }
    },

    userInfo: userInfo.userInfo,
    renewedUserInfo: userInfo.renewedUserInfo,

    ...endSession,

    logoutToken: createLogoutTokens(config, discovery, keys),
  }
}
