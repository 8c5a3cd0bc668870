// `npm start -- --two-providers`: customers log in at one provider, staff at another; who says neither is asked.
import { type Response, Router } from 'express'
import { type AuthOptions, requireAuth } from 'express-bff-session'
import { html } from './development-provider/html.ts'

const TITLES: Record<string, string> = { customers: 'as a customer', staff: 'as one of the staff' }

export const chooseProvider: AuthOptions['onChooseProvider'] = (_req, res, { providers }) => {
  const links = providers.map(
    ({ name, loginURL }) => html`<li><a href="${loginURL}">Log in ${TITLES[name] ?? name}</a></li>`,
  )
  sendPage(res, 'Who are you?', html`<ul>${links.reduce((all, link) => html`${all}${link}`, html``)}</ul>`)
}

export function createStaffRoutes(): Router {
  const router = Router()
  router.get('/', requireAuth({ provider: 'staff' }), (req, res) => {
    const { name = req.oidc.user?.sub ?? '' } = req.oidc.user ?? {}
    sendPage(
      res,
      'For the staff',
      html`<p>You are ${name}, and you work here.</p><p><a href="/">To the bank</a></p>`,
    )
  })
  return router
}

function sendPage(res: Response, title: string, content: ReturnType<typeof html>): void {
  const page = html`<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title} · Small Bank</title>
  <link rel="icon" href="/icon.svg">
  <link rel="stylesheet" href="/bank.css">
  <main><h1>${title}</h1>${content}</main>
</html>`
  res.set('Cache-Control', 'no-store').type('html').send(`${page}`)
}
