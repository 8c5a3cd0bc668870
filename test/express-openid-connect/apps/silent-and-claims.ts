// An app of express-openid-connect with silent logins and claims; nothing but the name it imports from is ours.
import express, { type ErrorRequestHandler } from 'express'
import {
  attemptSilentLogin,
  auth,
  claimCheck,
  claimEquals,
  claimIncludes,
  requiresAuth,
} from 'express-bff-session/express-openid-connect'

export function createApp() {
  const app = express()
  const oidc = auth({ authRequired: false, routes: { login: false, postLogoutRedirect: '/bye' } })
  app.use(oidc)
  app.get('/', attemptSilentLogin(), (req, res) => res.json({ name: req.oidc.user?.name ?? null }))
  app.get('/enter', (_req, res) =>
    res.oidc.login({ returnTo: '/profile', authorizationParams: { ui_locales: 'de' } }),
  )
  app.get('/profile', requiresAuth(), (req, res) => res.json(req.oidc.idTokenClaims))
  app.get('/verified', claimEquals('email_verified', true), (_req, res) => res.send('verified'))
  app.get('/admin', claimIncludes('groups', 'staff', 'admin'), (_req, res) => res.send('admin'))
  app.get(
    '/alice',
    claimCheck((_req, claims) => claims.preferred_username === 'alice'),
    (_req, res) => res.send('alice'),
  )
  app.get('/bye', (_req, res) => res.send('bye'))
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    res.status(error.statusCode ?? 500).json({ error: error.message })
  }
  app.use(onError)
  return { app, oidc }
}
