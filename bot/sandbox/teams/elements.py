"""The vocabulary of Adaptive Cards 1.5 in Teams: which elements there are, where, and what their properties must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

ADAPTIVE = "application/vnd.microsoft.card.adaptive"

Version: TypeAlias = tuple[int, int]
Check: TypeAlias = str | tuple[str, ...]
"""The name of a JSON type, or the words allowed (compared in lower case)."""


class Spec(Struct, frozen=True):
    """One element or action. ``where`` says in what kind of list it may stand; ``children`` which lists it holds."""

    properties: Mapping[str, Check]
    required: tuple[str, ...] = ()
    children: Mapping[str, str] = {}
    since: Version = (1, 0)
    where: tuple[str, ...] = ("element",)


_SPACING = ("default", "none", "small", "medium", "large", "extralarge", "padding")
_ALIGN = ("left", "center", "right")
_VERTICAL = ("top", "center", "bottom")
_COLORS = ("default", "dark", "light", "accent", "good", "warning", "attention")
_STYLES = ("default", "emphasis", "good", "attention", "warning", "accent")
_SIZES = ("default", "small", "medium", "large", "extralarge")
_IMAGE_SIZES = ("auto", "stretch", "small", "medium", "large")

_WIDTHS = tuple(
    f"{of}{width}" for of in ("", "atleast:", "atmost:") for width in ("verynarrow", "narrow", "standard", "wide")
)
"""Of a card, which an element is for: Teams leaves it out at other widths."""
_COMMON: Mapping[str, Check] = {
    "targetWidth": _WIDTHS,
    "id": "string",
    "isVisible": "boolean",
    "separator": "boolean",
    "spacing": _SPACING,
    "requires": "object",
}
_BLOCK: Mapping[str, Check] = {**_COMMON, "height": ("auto", "stretch")}
_INPUT: Mapping[str, Check] = {
    **_BLOCK,
    "label": "string",
    "isRequired": "boolean",
    "errorMessage": "string",
}
_TEXT: Mapping[str, Check] = {
    "text": "string",
    "color": _COLORS,
    "fontType": ("default", "monospace"),
    "isSubtle": "boolean",
    "size": _SIZES,
    "weight": ("default", "lighter", "bolder"),
}
_BOX: Mapping[str, Check] = {
    "style": _STYLES,
    "bleed": "boolean",
    "minHeight": "string",
    "rtl": "boolean",
    "verticalContentAlignment": _VERTICAL,
}
_CELLS: Mapping[str, Check] = {"horizontalCellContentAlignment": _ALIGN, "verticalCellContentAlignment": _VERTICAL}
_ACTION: Mapping[str, Check] = {
    "title": "string",
    "iconUrl": "string",
    "id": "string",
    "style": ("default", "positive", "destructive"),
    "tooltip": "string",
    "isEnabled": "boolean",
    "mode": ("primary", "secondary"),
    "requires": "object",
}
_DATE: Mapping[str, Check] = {"max": "string", "min": "string", "placeholder": "string", "value": "string"}

_CHART: Mapping[str, Check] = {
    **_BLOCK,
    "title": "string",
    "showTitle": "boolean",
    "showLegend": "boolean",
    "colorSet": ("categorical", "sequential", "sequentialred", "sequentialgreen", "sequentialyellow", "diverging"),
    "color": "string",
    "maxWidth": "string",
    "xAxisTitle": "string",
    "yAxisTitle": "string",
    "fallback": "object",
}
_BARS: Mapping[str, Check] = {**_CHART, "showBarValues": "boolean", "yMin": "number", "yMax": "number"}
CHARTS: Mapping[str, Spec] = {
    "Chart.VerticalBar": Spec({**_BARS, "data": "points"}, required=("data",)),
    "Chart.VerticalBar.Grouped": Spec({**_BARS, "stacked": "boolean", "data": "groups"}, required=("data",)),
    "Chart.HorizontalBar": Spec(
        {**_CHART, "displayMode": ("absolutewithaxis", "absolutenoaxis", "parttowhole"), "data": "points"},
        required=("data",),
    ),
    "Chart.HorizontalBar.Stacked": Spec({**_CHART, "data": "rows"}, required=("data",)),
}
"""Charts that the client draws itself, as in Microsoft's card types (microsoft-teams-cards 2.1)."""

ELEMENTS: Mapping[str, Spec] = {
    "TextBlock": Spec(
        {
            **_BLOCK,
            **_TEXT,
            "horizontalAlignment": _ALIGN,
            "maxLines": "number",
            "wrap": "boolean",
            "style": ("default", "heading", "columnheader"),
        },
        required=("text",),
    ),
    "RichTextBlock": Spec(
        {**_BLOCK, "horizontalAlignment": _ALIGN}, required=("inlines",), children={"inlines": "text"}, since=(1, 2)
    ),
    "TextRun": Spec(
        {**_TEXT, "highlight": "boolean", "italic": "boolean", "strikethrough": "boolean", "underline": "boolean"},
        required=("text",),
        where=("text",),
    ),
    "Image": Spec(
        {
            **_COMMON,
            "url": "string",
            "altText": "string",
            "backgroundColor": "string",
            "height": "string",
            "horizontalAlignment": _ALIGN,
            "size": _IMAGE_SIZES,
            "style": ("default", "person"),
            "width": "string",
        },
        required=("url",),
        where=("element", "image"),
    ),
    "ImageSet": Spec({**_BLOCK, "imageSize": _IMAGE_SIZES}, required=("images",), children={"images": "image"}),
    "Media": Spec(
        {**_BLOCK, "sources": "list", "poster": "string", "altText": "string"}, required=("sources",), since=(1, 1)
    ),
    "CodeBlock": Spec(
        {**_BLOCK, "codeSnippet": "string", "language": "string", "startLineNumber": "number"},
        required=("codeSnippet",),
    ),
    **CHARTS,
    "FactSet": Spec({**_BLOCK, "facts": "pairs"}, required=("facts",)),
    "Container": Spec({**_BLOCK, **_BOX}, required=("items",), children={"items": "element"}),
    "ColumnSet": Spec(
        {**_BLOCK, "style": _STYLES, "bleed": "boolean", "minHeight": "string", "horizontalAlignment": _ALIGN},
        children={"columns": "column"},
    ),
    "Column": Spec({**_COMMON, **_BOX, "width": "string or number"}, children={"items": "element"}, where=("column",)),
    "Table": Spec(
        {
            **_BLOCK,
            "columns": "list",
            "firstRowAsHeader": "boolean",
            "firstRowAsHeaders": "boolean",
            "showGridLines": "boolean",
            "gridStyle": _STYLES,
            **_CELLS,
        },
        children={"rows": "row"},
        since=(1, 5),
    ),
    "TableRow": Spec({"style": _STYLES, **_CELLS}, children={"cells": "cell"}, where=("row",)),
    "TableCell": Spec({**_BOX}, required=("items",), children={"items": "element"}, where=("cell",)),
    "ActionSet": Spec({**_BLOCK}, required=("actions",), children={"actions": "action"}, since=(1, 2)),
    "Input.Text": Spec(
        {
            **_INPUT,
            "isMultiline": "boolean",
            "maxLength": "number",
            "placeholder": "string",
            "regex": "string",
            "style": ("text", "tel", "url", "email", "password"),
            "value": "string",
        }
    ),
    "Input.Number": Spec({**_INPUT, "max": "number", "min": "number", "placeholder": "string", "value": "number"}),
    "Input.Date": Spec({**_INPUT, **_DATE}),
    "Input.Time": Spec({**_INPUT, **_DATE}),
    "Input.Toggle": Spec(
        {**_INPUT, "title": "string", "value": "string", "valueOff": "string", "valueOn": "string", "wrap": "boolean"},
        required=("title",),
    ),
    "Input.ChoiceSet": Spec(
        {
            **_INPUT,
            "choices": "pairs",
            "choices.data": "object",
            "isMultiSelect": "boolean",
            "style": ("compact", "expanded", "filtered"),
            "value": "string",
            "placeholder": "string",
            "wrap": "boolean",
        }
    ),
}

_DATA: Mapping[str, Check] = {"associatedInputs": ("auto", "none")}

ACTIONS: Mapping[str, Spec] = {
    "Action.Execute": Spec({**_ACTION, **_DATA, "verb": "string"}, since=(1, 4), where=("action",)),
    "Action.Submit": Spec({**_ACTION, **_DATA}, where=("action",)),
    "Action.OpenUrl": Spec({**_ACTION, "url": "string"}, required=("url",), where=("action",)),
    "Action.ShowCard": Spec({**_ACTION, "card": "object"}, where=("action",)),
    "Action.ToggleVisibility": Spec(
        {**_ACTION, "targetElements": "list"}, required=("targetElements",), since=(1, 2), where=("action",)
    ),
}
