// auth() of the built package as the bench uses it: its defaults.
import { auth } from '../../dist/index.js'

/** @param {import('./serve.mjs').Settings} settings */
export function ourAuth({ issuer, baseURL, clientId, clientSecret, secret, redisUrl, options }) {
  return auth({
    issuerBaseURL: issuer,
    baseURL,
    clientID: clientId,
    clientSecret,
    secret,
    redis: options.nearCache ? { url: redisUrl, nearCache: true } : redisUrl,
    ...options.auth,
    // oidc-provider gives a refresh token only for offline_access with this prompt.
    authorizationParams: { prompt: 'consent', ...options.auth?.authorizationParams },
  })
}
