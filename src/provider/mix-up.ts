// A callback that several providers share: who answers it says so, or the code of one could be taken by another (RFC 9207).
import type { ServerMetadata } from 'openid-client'
import { type Finding, ok, warning } from '../findings.ts'
import type { ProviderSetUp } from '../options/config.ts'

/**
 * With it openid-client wants `iss` in the callback, and compares it before a code is sent. Whatever the document says: it is
 * the provider's own, and a hostile one would not announce what gives it away (RFC 9700 §4.4.2.1).
 */
export function asNamed(document: ServerMetadata, { mustNameIssuer }: ProviderSetUp): ServerMetadata {
  return mustNameIssuer ? { ...document, authorization_response_iss_parameter_supported: true } : document
}

/** @returns for operators, where the callback lacks what it has to say */
export function unnamedFault(callback: URL, config: ProviderSetUp): string | undefined {
  if (!config.mustNameIssuer || callback.searchParams.get('iss')) return undefined
  return `the callback names no issuer (iss, RFC 9207), and ${ownPath(config)}`
}

/** @returns what will not work, as far as the document tells: it may say less than is done */
export function announcementFault(document: ServerMetadata, config: ProviderSetUp): string | undefined {
  const isAnnounced = document.authorization_response_iss_parameter_supported === true
  if (!config.mustNameIssuer || isAnnounced) return undefined
  return `${config.issuer.href} does not announce that its callbacks name the issuer (authorization_response_iss_parameter_supported, RFC 9207): if they do not, nobody logs in there, since ${ownPath(config)}`
}

export function mixUpFinding(document: ServerMetadata, config: ProviderSetUp): Finding[] {
  if (config.providerName === undefined) return []
  const fault = announcementFault(document, config)
  if (fault !== undefined) return [warning('issuer-in-callback', fault)]
  const found = config.mustNameIssuer
    ? 'is announced'
    : 'is not needed: the callback is shared with no other issuer'
  return [ok('issuer-in-callback', found)]
}

function ownPath({ providerName }: ProviderSetUp): string {
  const option = `providers.${providerName}.routes.callback`
  return `its callback path is shared with another provider's, which has to be told apart: give it one of its own, ${option}: '/callback/${providerName}', and enter that address at the provider`
}
