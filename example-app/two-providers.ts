// `npm start -- --two-providers`: customers log in at one provider, staff at another; who says neither is asked.
import { Router } from 'express'
import { type AuthOptions, requireAuth } from 'express-bff-session'
import { html } from './development-provider/html.ts'
import { sendPage } from './page.ts'

const TITLES: Record<string, string> = { customers: 'as a customer', staff: 'as one of the staff' }

export const chooseProvider: AuthOptions['onChooseProvider'] = (_req, res, { providers }) => {
  const links = providers.map(
    ({ name, loginURL }) =>
      html`<p><a class="button" href="${loginURL}">Log in ${TITLES[name] ?? name}</a></p>`,
  )
  const all = links.reduce((before, link) => html`${before}${link}`, html``)
  sendPage(
    res,
    'Who are you?',
    html`<p class="lead">The bank has two providers, and no way to know.</p>${all}`,
  )
}

export function createStaffRoutes(): Router {
  const router = Router()
  router.get('/', requireAuth({ provider: 'staff' }), (req, res) => {
    const { name = req.oidc.user?.sub ?? '' } = req.oidc.user ?? {}
    sendPage(
      res,
      'For the staff',
      html`<p class="lead">You are ${name}, and you work here.</p><p><a class="button" href="/">To the bank</a></p>`,
    )
  })
  return router
}
