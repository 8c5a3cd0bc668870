// What all pages of the development provider have around them.
import { type Html, html } from './html.ts'

export function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title} · development provider</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/provider-assets/provider.css">
  </head>
  <body>
    <header>
      <p><strong>Development provider</strong> It plays the part of Auth0, Keycloak or Entra on this machine,
        checks nobody, and forgets everything when it stops.</p>
    </header>
    <main>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>
`.toString()
}
