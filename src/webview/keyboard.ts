/** One stop for Tab in the picture; arrow keys go from card to card, as they stand. */

export interface Spot {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** The card that a key leads to; undefined where the key is not one of ours, or there is nothing on that side. */
export function cardTowards(key: string, from: Spot, cards: readonly Spot[]): string | undefined {
  const others = cards.filter((card) => card.id !== from.id);
  const nearest = (suits: (card: Spot) => boolean, distance: (card: Spot) => number): string | undefined => {
    let best: { id: string; distance: number } | undefined;
    for (const card of others) {
      if (!suits(card)) continue;
      const far = distance(card);
      if (!best || far < best.distance) best = { id: card.id, distance: far };
    }
    return best?.id;
  };
  const column = (card: Spot) => Math.abs(card.x - from.x) < 1;
  const dx = (card: Spot) => Math.abs(card.x - from.x);
  const dy = (card: Spot) => Math.abs(card.y - from.y);
  switch (key) {
    case 'ArrowDown':
      return nearest((card) => column(card) && card.y > from.y, dy);
    case 'ArrowUp':
      return nearest((card) => column(card) && card.y < from.y, dy);
    case 'ArrowRight':
      return nearest(
        (card) => card.x > from.x + 1,
        (card) => dx(card) * 1000 + dy(card),
      );
    case 'ArrowLeft':
      return nearest(
        (card) => card.x < from.x - 1,
        (card) => dx(card) * 1000 + dy(card),
      );
    case 'Home':
      return cards[0]?.id;
    case 'End':
      return cards.at(-1)?.id;
    default:
      return undefined;
  }
}
