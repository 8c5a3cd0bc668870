// Where somebody is logged in, and the way to end that: a list of their sessions, and buttons for one or all of them.
import { Router } from 'express'
import { type AuthHandler, requireAuth } from 'express-bff-session'
import { personOf } from './person.ts'
import { createSessionEvents } from './session-events.ts'

export function createSessionRoutes(bff: Pick<AuthHandler, 'on' | 'sessions'>): Router {
  const { sessions } = bff
  const router = Router()
  router.use(requireAuth())
  router.get('/events', createSessionEvents(bff))

  router.get('/', async (req, res) => {
    const list = await sessions.list(personOf(req))
    res.json({ sessions: list.map((entry) => ({ ...entry, isThis: entry.id === req.oidc.session?.id })) })
  })

  router.delete('/', async (req, res) => {
    res.json({ ended: await sessions.revokeAll(personOf(req)) })
  })

  router.delete('/:id', async (req, res) => {
    // Whoever asks may end their own sessions only, whatever id they send.
    const own = (await sessions.list(personOf(req))).some(({ id }) => id === req.params.id)
    res.json({ ended: own && (await sessions.revoke(req.params.id)) ? 1 : 0 })
  })

  return router
}
