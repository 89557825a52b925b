// What can be bought, and beside it, where there is room, the basket.

import { read } from '../api.js'
import * as basket from '../basket.js'
import { h, speak } from '../dom.js'
import { money, tie } from '../format.js'
import { empty, heading, stepper } from '../parts.js'
import { picture } from '../pictures.js'
import { basketPanel } from './basket.js'

export async function showProducts({ place, signal }) {
  const grid = h('ul', { class: 'products' }, Array.from({ length: 6 }, () => h('li', { class: 'product ghost', 'aria-hidden': 'true' })))
  const side = h('aside', { class: 'side', 'aria-label': 'Basket' })
  place.append(heading('Products'), h('div', { class: 'with-side' }, grid, side))
  side.append(basketPanel({ signal }))

  const { products } = await read('/products', signal)
  basket.takeUp(products)
  if (!products.length) return grid.replaceWith(empty('There is nothing to buy yet', 'The catalogue has no products.'))
  const sorted = [...products].sort((a, b) => a.currency.localeCompare(b.currency) * -1 || a.unit_price - b.unit_price)
  const paint = () => grid.replaceChildren(...sorted.map((product) => card(product)))
  paint()
  addEventListener('basket', () => keepFocus(grid, paint), { signal })
}

function card(product) {
  const quantity = basket.quantityOf(product.product_id)
  return h(
    'li',
    { class: 'product' },
    picture(product.product_id, product.name),
    h('div', { class: 'product-text' }, h('h2', {}, tie(product.name)), h('p', { class: 'price' }, money(product.unit_price, product.currency))),
    h('div', { class: 'product-action' }, quantity ? stepper(product.name, quantity, (next) => basket.put(product, next)) : adder(product)),
  )
}

const adder = (product) =>
  h('button', { type: 'button', class: 'button add', 'aria-label': `Add ${product.name} to the basket`, onclick: (event) => add(product, event.target) }, 'Add')

function add(product, button) {
  if (basket.fits(product)) {
    basket.put(product, 1)
    speak(`${product.name} is in the basket.`)
    return
  }
  // One order has one currency.
  const code = (each) => each.toUpperCase()
  const text = `Your basket is in ${code(basket.currency())}, and this is in ${code(product.currency)}.`
  button.closest('.product-action').replaceChildren(
    h('div', { class: 'ask', role: 'alert' }, h('p', {}, text), h('button', { type: 'button', class: 'button quiet small', onclick: () => basket.startAnew(product) }, 'Start a new basket')),
  )
}

// The same control is there again after it was painted anew.
function keepFocus(grid, paint) {
  const focused = grid.contains(document.activeElement) ? document.activeElement : null
  const at = focused && [...grid.children].indexOf(focused.closest('.product'))
  const isMore = focused?.getAttribute('aria-label')?.startsWith('More') ?? false
  paint()
  if (focused) [...grid.children[at].querySelectorAll('button')].at(isMore || !focused.closest('.stepper') ? -1 : 0)?.focus()
}
