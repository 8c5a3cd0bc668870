// The one door behind the public surface: what express-openid-connect hands out at once, and this package for the asking only.
export { applyCookies } from '../cookies/cookies.ts'
export { triedCookie } from '../cookies/silent-cookie.ts'
export { isPrefetch, requirePageLoad } from '../http/navigation.ts'
export { crossSiteRefused, isCrossOrigin } from '../http/same-origin.ts'
export { asBrowsersHaveIt, comparablePath, urlBelow } from '../options/app-paths.ts'
export { createMistakes, type Mistakes, PREFIX } from '../options/mistakes.ts'
export { OPTION_NAMES } from '../options/option-names.ts'
export {
  argumentError,
  flag,
  group,
  hook,
  optionError,
  seconds,
  unknownCure,
} from '../options/read-option.ts'
export { resolveOptions } from '../options/resolve-options.ts'
export { contextOf } from '../session/request-context.ts'
