import { tidyUp } from './global-setup.mjs'

export default tidyUp
