"""One face for the encoders of `transformers`: load, cut, set dropout, run, and find each architecture's parts."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers import logging as hf_logging
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    MODEL_MAPPING,
)

from distill_core.errors import CheckpointError
from distill_core.models import fast
from distill_core.models.base import seeded
from distill_core.models.first_token import can_shorten, last_layer_for_first
from distill_core.models.mixing import check_mixable, embed
from distill_core.models.types import Batch
from distill_core.tasks.units import UNITS

#: where architectures keep the list of their layers (ALBERT: of its groups of shared layers)
LAYER_LISTS = ("encoder.layer", "transformer.layer", "layers", "encoder.albert_layer_groups")
#: where a BERT-like layer makes its queries, keys and values, and where the number of heads stands (DistilBERT: second)
ATTENTION = (
    ("attention.self", ("query", "key", "value"), "num_attention_heads"),
    ("attention", ("q_lin", "k_lin", "v_lin"), "n_heads"),
)


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the load reports and progress bars of `transformers` out of the run's log."""
    before, bars = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(before)
        if bars:
            hf_logging.enable_progress_bar()


# ---------------------------------------------------------------- load


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a local folder; CheckpointError when there is none or it cannot pad."""
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # `tokenizers` raises bare Exception on damaged files
        raise CheckpointError(
            f"the tokenizer in {folder.name} cannot be read ({_first_line(error)}).",
            hint="The folder needs the files that tokenizer.save_pretrained writes.",
        ) from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"the tokenizer in {folder.name} has no fast version, which tells where each piece stands in the text.",
            hint="Load it once with transformers where its extra packages are installed, and save it again.",
        )
    if tokenizer.pad_token_id is None:
        raise CheckpointError(
            f"the tokenizer in {folder.name} has no padding token.", hint="Set its pad_token and save it again."
        )
    return tokenizer


def load_config(folder: Path, *, keep_layers: int | None = None, dropout: float | None = None) -> PreTrainedConfig:
    """The checkpoint's config, cut to its first `keep_layers` layers, with every dropout set to `dropout` if given."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"the config in {folder.name} cannot be read ({_first_line(error)}).") from error
    if keep_layers is not None and keep_layers < config.num_hidden_layers:
        choose_layers(config, list(range(keep_layers)))
    if dropout is not None:
        set_config_dropout(config, dropout)
    return config


def load_encoder(folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
    """The bare encoder in fp32, without a pooler where its class allows that; layers the config lacks are not read."""
    return _from_pretrained(encoder_class(config), folder, config, **without_pooler(encoder_class(config)))


def load_classifier(folder: Path, config: PreTrainedConfig, *, unit: str = "example") -> PreTrainedModel:
    """The checkpoint with its own head, in fp32: a sequence classifier, for words a token classifier, for hidden pieces
    a masked language model."""
    return _from_pretrained(_kind_with_head(config, unit), folder, config)


def new_classifier(config: PreTrainedConfig, *, unit: str = "example") -> PreTrainedModel:
    """Like `load_classifier`, with random weights from torch's generator."""
    model: PreTrainedModel = _kind_with_head(config, unit)(config)
    return model.eval()


def _kind_with_head(config: PreTrainedConfig, unit: str) -> Any:
    kind: Any = _HEADS[unit].get(type(config), None)
    if kind is None:
        raise CheckpointError(f"models of type {config.model_type!r} cannot {UNITS[unit].can} here.")
    return kind


#: unit → models with a head for it
_HEADS: dict[str, Any] = {
    "example": MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    "word": MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    "piece": MODEL_FOR_MASKED_LM_MAPPING,
}


def new_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    """An encoder of this config with random weights from torch's generator, without a pooler where that is possible."""
    kind = encoder_class(config)
    return kind(config, **without_pooler(kind))


def encoder_class(config: PreTrainedConfig) -> type[PreTrainedModel]:
    kind: Any = MODEL_MAPPING.get(type(config), None)
    if not isinstance(kind, type):
        raise CheckpointError(f"models of type {config.model_type!r} are not encoders that can be used here.")
    return kind


def without_pooler(kind: type[PreTrainedModel]) -> dict[str, bool]:
    return {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(kind).parameters else {}


def _from_pretrained(
    kind: type[PreTrainedModel], folder: Path, config: PreTrainedConfig, **options: Any
) -> PreTrainedModel:
    try:
        # Loading draws random numbers for what it may not find; the run's own generator must not notice.
        with quiet(), seeded(0, "load"):
            loaded: Any = kind.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                attn_implementation="sdpa" if kind._supports_sdpa else "eager",
                **options,
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"the weights in {folder.name} cannot be loaded ({_first_line(error)}).",
            hint="Check that the folder is complete and belongs to its config.json.",
        ) from error
    model, report = loaded
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise CheckpointError(
            f"the weights in {folder.name} lack {len(missing)} tensors its config asks for, among them {missing[0]}.",
            hint="They would be random. Use a complete checkpoint.",
        )
    return model.eval()


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


# ---------------------------------------------------------------- cut and set


def choose_layers(config: PreTrainedConfig, chosen: Sequence[int]) -> None:
    """Changes `config` to a model of the chosen layers (indices from 0 into its own, in order)."""
    before = config.num_hidden_layers
    groups = getattr(config, "num_hidden_groups", 1)
    if groups > 1:
        # ALBERT spreads its groups of shared layers over the depth: only whole groups from the front can be kept.
        each = before // groups
        if before % groups or list(chosen) != list(range(len(chosen))) or len(chosen) % each:
            raise CheckpointError(
                f"this checkpoint shares its weights in {groups} groups of {each} layers; {len(chosen)} layers cannot "
                "be taken out of it.",
                hint=f"Take a multiple of {each}, from the first layer on." if not before % groups else "Take all.",
            )
        config.num_hidden_groups = len(chosen) // each
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and len(kinds) == before:
        config.layer_types = [kinds[index] for index in chosen]
    config.num_hidden_layers = len(chosen)


def set_config_dropout(config: PreTrainedConfig, dropout: float) -> None:
    """Sets every dropout of a config, whatever its name: attention dropout often is no module but a number here."""
    for name, value in list(vars(config).items()):
        if "dropout" in name and isinstance(value, int | float) and not isinstance(value, bool):
            setattr(config, name, dropout)


def set_dropout(module: nn.Module, dropout: float) -> None:
    """Sets the probability of every nn.Dropout inside."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = dropout


# ---------------------------------------------------------------- run and look


def model_inputs(model: PreTrainedModel, batch: Batch) -> dict[str, Tensor]:
    """Keyword arguments for the model's forward; token types only where it tells at least two apart. Of mixtures the
    model gets embeddings in the place of ids."""
    inputs = {"attention_mask": batch.mask.long()}
    if batch.mix is None:
        inputs["input_ids"] = batch.input_ids
    else:
        check_mixable(model)
        inputs["inputs_embeds"] = embed(batch, model.get_input_embeddings())
    if batch.type_ids is not None and takes_types(model):
        inputs["token_type_ids"] = batch.type_ids
    return inputs


def takes_types(model: PreTrainedModel) -> bool:
    """Does the model tell a pair's two texts apart by token types? (RoBERTa has one type, DeBERTa-v3 none.)"""
    return getattr(model.config, "type_vocab_size", 0) >= 2 and _accepts_types(type(model).forward)


@lru_cache(maxsize=32)
def _accepts_types(forward: Callable[..., Any]) -> bool:
    return "token_type_ids" in inspect.signature(forward).parameters


def layer_states(states: Sequence[Tensor] | None, layers: Sequence[int], config: PreTrainedConfig) -> dict[int, Tensor]:
    """{layer: [B, T, H]} out of the tuple a model gives with output_hidden_states."""
    if not layers or states is None:
        return {}
    # An ALBERT "layer" may hold several inner ones, each of which records its states.
    stride = getattr(config, "inner_group_num", 1)
    return {layer: states[layer * stride] for layer in layers}


def run_encoder(
    model: PreTrainedModel,
    batch: Batch,
    layers: Sequence[int] = (),
    qkv: Sequence[int] = (),
    *,
    first_only: bool = False,
) -> tuple[Tensor, dict[int, Tensor], dict[int, Tensor]]:
    """Last states [B, T, H], the asked layers' states {layer: [B, T, H]} (0 = embeddings), and queries, keys and values
    {layer: [B, T, 3, A]} of the layers in `qkv`, as `recorded_qkv` gives them.

    first_only: of the last states only the first token's are read; where shortcuts are taken they are [B, 1, H].
    """
    check_layers(layers, model.config.num_hidden_layers)
    with recorded_qkv(model, qkv) as attention, first_token_alone(model, layers, qkv, wanted=first_only):
        outputs = model(**model_inputs(model, batch), output_hidden_states=bool(layers), return_dict=True)
    return outputs.last_hidden_state, layer_states(outputs.hidden_states, layers, model.config), attention


@contextmanager
def first_token_alone(
    model: PreTrainedModel, layers: Sequence[int] = (), qkv: Sequence[int] = (), *, wanted: bool = True
) -> Iterator[None]:
    """Inside, the last layer is computed for the first token alone: a shortcut, if nothing else of it is asked for."""
    asked = model.config.num_hidden_layers in {*layers, *qkv}
    short = wanted and fast.are_taken() and not asked and can_shorten(model.config)
    with last_layer_for_first(model, layer_prefix(model)) if short else nullcontext():
        yield


def check_layers(layers: Sequence[int], deepest: int) -> None:
    """ValueError when a layer is asked for that does not exist (a negative one would silently count from the end)."""
    wrong = [layer for layer in layers if not 0 <= layer <= deepest]
    if wrong:
        raise ValueError(f"there is no layer {wrong[0]}: layers go from 0 (embeddings) to {deepest}")


# ---------------------------------------------------------------- attention


@contextmanager
def recorded_qkv(encoder: PreTrainedModel, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """While the encoder runs once inside, queries, keys and values of these layers (from 1) are kept.

    Afterwards the dict holds {layer: [B, T, 3, A]}, with gradient, A = all heads side by side (the width H in nearly
    all architectures), before any scaling: softmax(q·kᵀ/√(A/heads)) over real pieces are the attention probabilities.

    Raises:
        ValueError: there is no such layer.
        CheckpointError: the encoder's attention is of another kind, with field ``objective.matching``.
    """
    check_layers(layers, encoder.config.num_hidden_layers)
    if 0 in layers:
        raise ValueError("the embeddings (layer 0) have no attention")
    wanted = dict.fromkeys(layers)
    maps = {layer: _projections(encoder, layer)[0] for layer in wanted}
    seen: dict[int, list[Tensor | None]] = {layer: [None, None, None] for layer in wanted}
    found: dict[int, Tensor] = {}

    def keep(layer: int, place: int) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            seen[layer][place] = output

        return hook

    handles = [
        module.register_forward_hook(keep(layer, place))
        for layer, modules in maps.items()
        for place, module in enumerate(modules)
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
    for layer, three in seen.items():
        found[layer] = torch.stack(cast(list[Tensor], three), dim=2)


def supports_qkv(encoder: PreTrainedModel) -> bool:
    """Can its queries, keys and values be asked for? (ALBERT's layers are one; DeBERTa, MPNet and ModernBERT add
    positions to their scores, which queries and keys alone do not tell.)"""
    try:
        _projections(encoder, 1)
    except CheckpointError:
        return False
    return True


def attention_heads(encoder: PreTrainedModel) -> int:
    """Heads of each layer's attention."""
    if not supports_qkv(encoder):
        return int(encoder.config.num_attention_heads)
    return _projections(encoder, 1)[1]


def _projections(encoder: PreTrainedModel, layer: int) -> tuple[list[nn.Module], int]:
    """The maps to queries, keys and values of a layer (from 1), and its number of heads."""
    with suppress(CheckpointError):  # of layer_prefix: its layers cannot be told apart
        blocks = cast(nn.ModuleList, encoder.get_submodule(layer_prefix(encoder)))
        for place, names, heads in ATTENTION if len(blocks) == encoder.config.num_hidden_layers else ():
            with suppress(AttributeError):
                attention = blocks[layer - 1].get_submodule(place)
                return [attention.get_submodule(name) for name in names], int(cast(int, getattr(attention, heads)))
    raise CheckpointError(
        f"a {encoder.config.model_type} encoder does not hand out queries, keys and values of its layers.",
        hint="Attention terms need a BERT-like encoder (BERT, RoBERTa, XLM-R, ELECTRA, DistilBERT).",
        field="objective.matching",
    )


# ---------------------------------------------------------------- parts


def word_embedding(encoder: PreTrainedModel) -> Tensor:
    """The word-piece embedding matrix [V, E] (E may differ from the width, as in ALBERT and ELECTRA)."""
    return cast(nn.Embedding, encoder.get_input_embeddings()).weight


def layer_prefix(encoder: nn.Module) -> str:
    """Where the list of layers stands inside the encoder, e.g. ``encoder.layer``."""
    for name in LAYER_LISTS:
        try:
            found = encoder.get_submodule(name)
        except AttributeError:
            continue
        if isinstance(found, nn.ModuleList):
            return name
    raise CheckpointError(f"the layers of a {type(encoder).__name__} cannot be told apart, so none can be copied.")


def usable_positions(encoder: nn.Module) -> int | None:
    """Longest input the position embeddings allow, special pieces included; None where positions are relative."""
    for name, part in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            # RoBERTa's positions start behind the padding index.
            return part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
    return None


def describe(config: PreTrainedConfig) -> dict[str, Any]:
    """The config as JSON-ready dict from which `CONFIG_MAPPING` makes it again; it names neither place nor task."""
    # All values, defaults too: another version's defaults must not change a saved student.
    values = json.loads(config.to_json_string(use_diff=False))
    for name in ("_name_or_path", "architectures", "id2label", "label2id", "problem_type", "transformers_version"):
        values.pop(name, None)
    return values
