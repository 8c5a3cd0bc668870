// What a person sees of being blocked at the development provider.
import { html } from './html.ts'
import { page } from './page.ts'

export function blockedPage({ name, action }: { name: string; action: string }): string {
  return page(
    `${name} is blocked`,
    html`
      <p>This provider does not log in somebody who is blocked. Unblock them?</p>
      <form method="post" action="${action}">
        <input type="hidden" name="login" value="${name}">
        <div class="buttons">
          <button type="submit" name="unblock" value="yes">Unblock and log in</button>
          <button type="submit" name="cancel" value="yes" class="quiet">Cancel</button>
        </div>
      </form>`,
  )
}

export interface AccountPage {
  appName: string
  appURL: string
  name: string
  blocked: boolean
}

export function accountPage({ appName, appURL, name, blocked }: AccountPage): string {
  const explanation = blocked
    ? html`
      <p>No token is issued in this name any more, and ${appName} has not been told.</p>
      <p>Go back and look: it still shows the balance, until the ID token is due for its next renewal. A transfer does
        not wait for that. It asks this provider first, and nothing is sent.</p>`
    : html`<p>In good standing. What does ${appName} do when its provider stops trusting a person?</p>`
  return page(
    blocked ? `${name} is blocked` : `The account of ${name}`,
    html`
      ${explanation}
      <form method="post">
        <div class="buttons">
          ${
            blocked
              ? html`<button type="submit" name="blocked" value="no" class="quiet">Unblock</button>`
              : html`<button type="submit" name="blocked" value="yes" class="danger">Block this account</button>`
          }
        </div>
      </form>
      <p><a href="${appURL}">Back to ${appName}</a></p>`,
  )
}
