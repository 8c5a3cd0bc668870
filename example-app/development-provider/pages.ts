// The pages that a person sees at the development provider.
import { type Html, html } from './html.ts'
import { page } from './page.ts'

export interface LoginPage {
  appName: string
  action: string
  login: string
  /** Whether this person is logged in here, and the app wants to be sure of it. */
  again?: boolean
  asksForPin: boolean
  mistake?: string
}

export function loginPage({ appName, action, login, again, asksForPin, mistake }: LoginPage): string {
  return page(
    again ? 'Is it still you?' : `Log in to ${appName}`,
    html`
      ${again ? html`<p>${appName} wants to be sure before it goes on.</p>` : ''}
      <form method="post" action="${action}">
        <label for="login">Your name</label>
        <input id="login" name="login" value="${login}" maxlength="60" autocomplete="username"
          aria-describedby="login-help" ${asksForPin ? '' : 'autofocus'}>
        <p class="help" id="login-help">Any name will do. There is no password.</p>
        ${
          asksForPin
            ? html`
              <label for="pin">Your PIN</label>
              <input id="pin" name="pin" inputmode="numeric" maxlength="4" autocomplete="off"
                aria-describedby="pin-help" autofocus>
              <p class="help" id="pin-help">Any four digits will do.</p>`
            : ''
        }
        ${mistake ? html`<p class="mistake" role="alert">${mistake}</p>` : ''}
        <div class="buttons">
          <button type="submit">${again ? 'Yes, it is me' : 'Log in'}</button>
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
        <button type="submit" form="op.logoutForm" name="logout" value="yes" id="logout">Log out</button>
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
