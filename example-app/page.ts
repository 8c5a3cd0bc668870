// What the pages of the bank have around them that need no script.
import type { Response } from 'express'
import { type Html, html } from './development-provider/html.ts'

export function sendPage(res: Response, heading: string, content: Html, title = heading): void {
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

    <main id="main" class="welcome" tabindex="-1">
      <h1>${heading}</h1>
      ${content}
    </main>

    <footer>An example. No real money, and no token in this page.</footer>
  </body>
</html>
`
  res.set('Cache-Control', 'no-store').type('html').send(`${page}`)
}
