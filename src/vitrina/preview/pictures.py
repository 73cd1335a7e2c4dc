"""Pictures of products for the preview: the shop's photo, made small, or else a drawn pack-shot."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import lru_cache

from vitrina.edge.picture import Photos, opened
from vitrina.engine import Engine
from vitrina.images import packshots

SIDE = 224
"""Pixels: twice what a page shows, for sharp screens."""
KEPT = 4096
"""Pictures kept drawn."""


@dataclass(eq=False)
class Pictures:
    """Pictures of one engine's products, by their rows."""

    engine: Engine
    photos: Photos = field(default_factory=Photos)

    def __post_init__(self) -> None:
        self._drawn = lru_cache(maxsize=KEPT)(self._draw)

    def of(self, row: int) -> bytes | None:
        """A PNG of a product; None where there is no such row."""
        if not 0 <= row < self.engine.n_items:
            return None
        return self._drawn(row)

    def _draw(self, row: int) -> bytes:
        product = self.engine.product(self.engine.items.name(row))
        assert product is not None
        photo = self._small(self.photos.of(product.item_id, product.image))
        title = product.title or product.item_id
        return photo or packshots.draw(title, product.category, product.attributes.get("brand", ""), SIDE)

    def _small(self, photo: bytes | None) -> bytes | None:
        image = opened(photo)
        if image is None:
            return None
        image.thumbnail((SIDE, SIDE))
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()
