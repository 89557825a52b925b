// The basket: lines of one currency, at the prices that were shown.

import { forget, keep, recall } from './session.js'

const MOST = 999

export const lines = () => recall('basket') ?? []
export const currency = () => lines()[0]?.currency ?? null
export const count = () => lines().reduce((sum, line) => sum + line.quantity, 0)
export const total = () => lines().reduce((sum, line) => sum + line.quantity * line.unit_price, 0)
export const quantityOf = (productId) => lines().find((line) => line.product_id === productId)?.quantity ?? 0
export const fits = (product) => [null, product.currency].includes(currency())

// How much of a product there is to be, as far as there may be; returns how much it is.
export function put(product, quantity) {
  const kept = lines()
  const line = kept.find((each) => each.product_id === product.product_id)
  const { product_id, name, unit_price, currency: code } = product
  const put = { product_id, name, unit_price, currency: code, quantity: Math.min(quantity, MOST) }
  const next = line ? kept.map((each) => (each === line ? put : each)) : [...kept, put]
  save(next.filter((each) => each.quantity > 0))
  return put.quantity
}

export function startAnew(product) {
  save([])
  put(product, 1)
}

// The catalogue as it is now: prices and names follow it. A line whose product has another currency now follows too where all
// of the basket does; else it stays as it was, since a basket has one currency.
export function takeUp(products) {
  const byId = new Map(products.map((product) => [product.product_id, product]))
  const asSold = lines().map((line) => {
    const { name, unit_price, currency: code } = byId.get(line.product_id) ?? line
    return { ...line, name, unit_price, currency: code }
  })
  const isOneCurrency = new Set(asSold.map((line) => line.currency)).size === 1
  const next = lines().map((line, at) => (isOneCurrency || asSold[at].currency === line.currency ? asSold[at] : line))
  if (JSON.stringify(next) !== JSON.stringify(lines())) save(next)
}

// What was ordered is taken out; what was put in meanwhile stays.
export function take(ordered) {
  const quantities = new Map(ordered.map(({ product_id, quantity }) => [product_id, quantity]))
  const rest = lines().map((line) => ({ ...line, quantity: line.quantity - (quantities.get(line.product_id) ?? 0) }))
  save(rest.filter(({ quantity }) => quantity > 0))
}

function save(next) {
  if (next.length) keep('basket', next)
  else forget('basket')
  dispatchEvent(new CustomEvent('basket'))
}
