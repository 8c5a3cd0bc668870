// Who may do what with their account: guards, and behind them the API.
import { Router } from 'express'
import { relay, requireAuth, requireFresh, requireStepUp } from 'express-bff-session'
import { createAccountRoutes } from './api/account-routes.ts'
import { keyOf, personOf } from './person.ts'

export interface TheAPI {
  url: string
  /** As the provider calls it. */
  audience: string
}

/** So long after the provider was sure of somebody it does not ask again. */
const SURE_SECONDS = 300

export function createAccess(api: TheAPI | undefined, acr: string | undefined): Router {
  const router = Router()
  const requireSurety = requireStepUp({ maxAgeSeconds: SURE_SECONDS, acr })
  if (api === undefined) {
    router.post('/transfers', requireFresh())
    router.put('/address', requireSurety)
    router.use(
      requireAuth(),
      createAccountRoutes((req) => keyOf(personOf(req))),
    )
    return router
  }
  const { url } = api
  // Each guard stands before a relay that leads nowhere else, so that no spelling of a path gets round it.
  router.use('/transfers', requireFresh(), relay({ target: `${url}/transfers`, methods: ['POST'] }))
  router.use('/address', requireSurety, relay({ target: `${url}/address`, methods: ['PUT'] }))
  router.use(relay({ target: url, methods: ['GET'] }))
  return router
}
