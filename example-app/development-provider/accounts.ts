// Each person's page at the development provider, with the switch that blocks them.
import { type Response, Router, urlencoded } from 'express'
import { accountPage } from './account-pages.ts'
import { errorPage } from './pages.ts'
import { accountPath, type People } from './people.ts'

export function createAccounts(people: People, appName: string, appURL: string): Router {
  const router = Router()

  router.get('/accounts/:id', (req, res) => {
    const person = people.find(req.params.id)
    if (!person) return sayUnknown(res)
    res.set('Cache-Control', 'no-store').send(accountPage({ appName, appURL, ...person }))
  })

  router.post('/accounts/:id', urlencoded({ extended: false }), (req, res) => {
    const person = people.find(req.params.id)
    if (!person) return sayUnknown(res)
    person.blocked = (req.body as Record<string, unknown> | undefined)?.blocked === 'yes'
    res.redirect(303, accountPath(person.accountId))
  })

  function sayUnknown(res: Response): void {
    res.status(404).send(errorPage('not_found', 'Nobody of that name has logged in here.', appURL))
  }

  return router
}
