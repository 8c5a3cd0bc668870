// Of which of several providers and tenants something is, as metrics and spans say it.
import type { Attributes } from '@opentelemetry/api'
import type { EventOrigin } from '../index.ts'

export type AboutOrigin = (of: EventOrigin) => Attributes

/** @param tenants whether they are named: each name makes series of its own */
export function createAboutOrigin(tenants: boolean): AboutOrigin {
  return ({ provider, tenant }) => ({
    ...(provider !== undefined && { 'bff.provider': provider }),
    ...(tenants && tenant !== undefined && { 'bff.tenant': tenant }),
  })
}
