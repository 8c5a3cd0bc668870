// Names that are no options are refused, with the nearest that is one, in groups too.
import { mistakeIn, resolve } from './valid.ts'

test.each<[options: object, given: string, nearest: string]>([
  [{ issuerBaseUrl: 'https://x.example' }, 'issuerBaseUrl', 'issuerBaseURL'],
  [{ baseUrl: 'https://x.example' }, 'baseUrl', 'baseURL'],
  [{ clientId: 'x' }, 'clientId', 'clientID'],
  [{ ClientSecret: 'x' }, 'ClientSecret', 'clientSecret'],
  [{ secrets: 'x' }, 'secrets', 'secret'],
  [{ authorisationParams: {} }, 'authorisationParams', 'authorizationParams'],
  [{ authorizationParameters: {} }, 'authorizationParameters', 'authorizationParams'],
  [{ authRequire: true }, 'authRequire', 'authRequired'],
  [{ idpLogOut: true }, 'idpLogOut', 'idpLogout'],
  [{ alowedOrigins: [] }, 'alowedOrigins', 'allowedOrigins'],
  [{ routes: { log_in: '/in' } }, 'routes.log_in', 'routes.login'],
  [{ routes: { callBack: '/back' } }, 'routes.callBack', 'routes.callback'],
  [{ routes: { postLogoutRedirectUri: '/' } }, 'routes.postLogoutRedirectUri', 'routes.postLogoutRedirect'],
  [{ renewal: { afterSecond: 60 } }, 'renewal.afterSecond', 'renewal.afterSeconds'],
  [{ renewal: { timeoutsSeconds: 5 } }, 'renewal.timeoutsSeconds', 'renewal.timeoutSeconds'],
  [{ session: { Name: 'bff' } }, 'session.Name', 'session.name'],
  [{ session: { idleTimeoutSecs: 5 } }, 'session.idleTimeoutSecs', 'session.idleTimeoutSeconds'],
  [{ session: { cookie: { samesite: 'lax' } } }, 'session.cookie.samesite', 'session.cookie.sameSite'],
])('%j is refused with the nearest name', (options, given, nearest) => {
  expect(mistakeIn(options)).toBe(`auth(): ${given} is not an option; did you mean ${nearest}?`)
})

test.each<[options: object, given: string, known: string]>([
  [{ zzz: 1 }, 'zzz', 'issuerBaseURL, baseURL, clientID'],
  [{ redisURL: 'x' }, 'redisURL', 'redis'],
  [{ appSession: {} }, 'appSession', 'session'],
  [{ routes: { backchannel: '/x' } }, 'routes.backchannel', 'login, callback, logout, user'],
  [{ renewal: { every: 60 } }, 'renewal.every', 'afterSeconds, aheadSeconds, timeoutSeconds'],
  [{ session: { cookie: { domain: '.example.com' } } }, 'session.cookie.domain', 'sameSite'],
])('%j, which is near to nothing, is refused with the names that there are', (options, given, known) => {
  const message = mistakeIn(options)
  expect(message).toContain(`auth(): ${given} is not an option; `)
  expect(message).toContain(known)
})

test('a wrong name is refused even where its value is undefined', () => {
  expect(mistakeIn({ clientId: undefined })).toContain('did you mean clientID?')
})

test('parameters of the authorization request have any name', () => {
  const params = { acr_values: 'mfa', 'urn:x': '1', ui_locales: 'nb' }
  expect(resolve({ authorizationParams: params }).authorizationParams).toMatchObject(params)
})
