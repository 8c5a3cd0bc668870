// One login on its way: what its callback has to know.
import type { AppState } from '../options/login.ts'
import type { StepUp } from '../record/step-up.ts'

/** What the callback needs to know of the request that began the login (RFC 9700 §2.1.1, §4.7.1). */
export interface LoginTransaction {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  /** Compared with the configured one at the callback: RFC 9700 §4.4.2. */
  readonly issuer: string
  /** Its name, where there are several. */
  readonly provider?: string
  readonly returnTo: string
  /** Milliseconds by the store's clock. */
  readonly startedAt: number
  /** Where the provider was asked to lead back to, where the app has several addresses. */
  readonly redirectURI?: string
  /** What was asked of the person's authentication, and of whom, if anybody was logged in. */
  readonly stepUp?: StepUp & { readonly sub: string | undefined; readonly iss?: string | undefined }
  /** What it asked for besides the options. */
  readonly asked?: Readonly<Record<string, string>>
  /** The app's own: nobody else reads it. */
  readonly appState?: AppState
  /** For whoever is called around it. */
  readonly carried?: string
  /** Nobody was to be asked anything: whoever is not logged in at the provider goes on as they are. */
  readonly silent?: true
  /** What the provider posted, where it answers by a form. */
  readonly posted?: string
}

/** How a login differs from an ordinary one. */
export interface LoginWishes
  extends Pick<LoginTransaction, 'redirectURI' | 'stepUp' | 'asked' | 'silent' | 'appState' | 'carried'> {
  /** How many before it were not known when they came back. */
  readonly attempts?: number
}
