"""Messages of an answer to dataclasses, as a client has them."""

from __future__ import annotations

from typing import Any

from vitrina.request import Fate, ListedBlock, ListedItem, Product, Reason, Response, RuleReason


def response(message: Any) -> Response:
    """A RecommendResponse as its dataclass."""
    return Response(
        blocks=tuple(map(_listed_block, message.blocks)),
        bundle_version=message.bundle_version,
        unknown_item_ids=tuple(message.unknown_item_ids),
        known_user=message.known_user,
        attribution_token=message.attribution_token,
        contextual=message.contextual,
        degraded=tuple(message.degraded),
    )


def fate(message: Any) -> Fate:
    """A Fate as its dataclass."""
    return Fate(
        item_id=message.item_id,
        place=message.place,
        stage=message.stage,
        rules=tuple(message.rules),
        proposed=tuple((one.source, one.place) for one in message.proposed),
        blended=message.blended,
    )


def _listed_block(message: Any) -> ListedBlock:
    return ListedBlock(
        placement=message.placement,
        items=tuple(map(_listed_item, message.items)),
        fallback_level=message.fallback_level,
        relaxed=tuple(message.relaxed),
        trace=tuple((one.stage, tuple(one.item_ids)) for one in message.trace),
        dropped=message.dropped,
        missing=tuple(message.missing),
    )


def _listed_item(message: Any) -> ListedItem:
    why = message.reason
    rule = why.rule
    fired = RuleReason(tuple(rule.antecedent_ids), rule.support, rule.confidence, rule.lift)
    return ListedItem(
        item_id=message.item_id,
        score=message.score,
        sources=tuple(message.sources),
        reason=Reason(
            why.source, tuple(why.seed_item_ids), fired if why.HasField("rule") else None, why.sentence
        ),
        product=_product(message.item_id, message.product) if message.HasField("product") else None,
    )


def _product(item_id: str, of: Any) -> Product:
    plain = (of.title, of.category, of.price, of.old_price, of.image)
    return Product(
        item_id, *plain, dict(of.attributes), of.url, of.in_stock, tuple(of.regions), tuple(of.tags)
    )
