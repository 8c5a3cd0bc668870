// An app of express-openid-connect with its sessions in a store on Redis; nothing but the name it imports from is ours.
import { RedisStore } from 'connect-redis'
import express from 'express'
import { auth, requiresAuth } from 'express-bff-session/express-openid-connect'
import { Redis } from 'ioredis'

export function createApp() {
  const client = new Redis(process.env.REDIS_URL ?? '')
  const app = express()
  const oidc = auth({
    authRequired: false,
    idpLogout: true,
    authorizationParams: { response_type: 'code', scope: 'openid profile email' },
    session: {
      name: 'shop',
      // As for that package, whose types know no store of express-session's.
      store: new RedisStore({ client, prefix: 'shop:' }) as never,
      rollingDuration: 3600,
      absoluteDuration: 86_400,
      cookie: { sameSite: 'Lax' },
    },
  })
  app.use(oidc)
  app.get('/', (req, res) => res.send(req.oidc.isAuthenticated() ? 'Logged in' : 'Logged out'))
  app.get('/profile', requiresAuth(), (req, res) => res.json({ user: req.oidc.user }))
  app.post('/cart', (req, res) => {
    const { shop } = req as unknown as { shop: Record<string, unknown> }
    shop.cart = 'apples'
    res.json({ cart: shop.cart })
  })
  app.get('/cart', (req, res) => res.json((req as unknown as { shop: { cart?: string } }).shop.cart ?? null))
  return { app, oidc, stop: () => client.disconnect() }
}
