// `npm start -- --two-providers`: customers log in at one provider, staff at another; who says neither is asked.
import { type Response, Router } from 'express'
import { type AuthOptions, requireAuth } from 'express-bff-session'
import { html } from './development-provider/html.ts'

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

function sendPage(res: Response, title: string, content: ReturnType<typeof html>): void {
  const page = html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title} · Small Bank</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/bank.css">
  </head>
  <body>
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <a class="brand" href="/"><img src="/icon.svg" alt="" width="32" height="32">Small Bank</a>
    </header>
    <main id="main" class="welcome" tabindex="-1"><h1>${title}</h1>${content}</main>
    <footer>An example. No real money, and no token in this page.</footer>
  </body>
</html>`
  res.set('Cache-Control', 'no-store').type('html').send(`${page}`)
}
