// The pages that a person sees at the development provider.
import { type Html, html } from './html.ts'

export interface LoginPage {
  appName: string
  action: string
  login: string
  mistake?: string
}

export function loginPage({ appName, action, login, mistake }: LoginPage): string {
  return page(
    `Log in to ${appName}`,
    html`
      <form method="post" action="${action}">
        <label for="login">Your name</label>
        <input id="login" name="login" value="${login}" maxlength="60" autocomplete="username"
          aria-describedby="login-help${mistake ? ' login-mistake' : ''}" autofocus>
        ${mistake ? html`<p class="mistake" id="login-mistake" role="alert">${mistake}</p>` : ''}
        <p class="help" id="login-help">Any name will do. There is no password.</p>
        <div class="buttons">
          <button type="submit">Log in</button>
          <button type="submit" name="cancel" value="yes" class="quiet">Cancel</button>
        </div>
      </form>`,
  )
}

export interface LogoutPage {
  appName: string
  /** The form that oidc-provider wants back, its own markup. */
  form: Html
  /** Whether the request came from the app itself, so that nobody else can log this person out unasked. */
  asksFirst: boolean
}

export function logoutPage({ appName, form, asksFirst }: LogoutPage): string {
  return page(
    asksFirst ? 'Log out?' : 'Logging out …',
    html`
      <p>${asksFirst ? 'This logs you out of the development provider.' : `You are logged out of ${appName}.`}</p>
      ${form}
      <div class="buttons">
        <button type="submit" form="op.logoutForm" name="logout" value="yes" id="log-out">Log out</button>
      </div>
      ${asksFirst ? '' : html`<script src="/provider-assets/log-out-at-once.js"></script>`}`,
  )
}

export function loggedOutPage(appURL: string): string {
  return page('You are logged out', html`<p><a href="${appURL}">Back to the app</a></p>`)
}

export function homePage(appURL: string): string {
  return page(
    'Nothing to do here',
    html`<p>The app sends you to this provider when you log in. <a href="${appURL}">To the app</a></p>`,
  )
}

export function errorPage(error: string, description: string, appURL: string): string {
  return page(
    'That did not work',
    html`
      <p>${description}</p>
      <p class="help">Error code: <code>${error}</code></p>
      <p><a href="${appURL}">Back to the app</a></p>`,
  )
}

function page(title: string, content: Html): string {
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
