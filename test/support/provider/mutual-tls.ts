// What the test provider knows of the certificate that a client showed to the front before it (RFC 8705).
import { X509Certificate } from 'node:crypto'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'

export function withMutualTLS(configuration: Configuration): Configuration {
  return {
    ...configuration,
    clientAuthMethods: [
      ...(configuration.clientAuthMethods ?? []),
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ],
    features: {
      ...configuration.features,
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: certificateOf,
        certificateAuthorized: (ctx) => ctx.get('x-client-certificate-authorized') === 'true',
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_subject_dn' && certificateOf(ctx)?.subject === expected,
      },
    },
  }
}

function certificateOf(ctx: KoaContextWithOIDC): X509Certificate | undefined {
  const raw = ctx.get('x-client-certificate')
  return raw === '' ? undefined : new X509Certificate(Buffer.from(raw, 'base64'))
}
