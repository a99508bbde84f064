"""What scikit-learn asks of a class that learns; it is not imported before it asks."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

from throughtime.errors import UserError


@dataclass(frozen=True)
class Habits:
    """What a class is to scikit-learn.

    kind: "classifier", or None for what scikit-learn has no name for. answers: whether `fit` is given what is to be
    answered beside what is read. texts: whether texts are read, one a row; else series, one a column. several: whether
    an answer may be several labels.
    """

    kind: str | None = None
    answers: bool = True
    texts: bool = True
    several: bool = False

    def tags(self) -> Any:
        """The same as sklearn.utils.Tags."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        numbers = not self.texts
        takes = InputTags(one_d_array=True, two_d_array=numbers, string=self.texts, allow_nan=numbers)
        of_classes = ClassifierTags(multi_label=self.several) if self.kind == "classifier" else None
        return Tags(self.kind, TargetTags(required=self.answers), classifier_tags=of_classes, input_tags=takes)


class Asked:
    """Options as parameters, clones, tags: a class in scikit-learn's habits."""

    habits: ClassVar[Habits] = Habits()
    options: Any
    model: Any
    _said: frozenset[str]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options by name, as scikit-learn asks for them."""
        return {one.name: getattr(self.options, one.name) for one in self.options.declared()}

    def set_params(self, **options: Any) -> Self:
        """Change options, as scikit-learn does."""
        self.options, self._said = self.options.replaced(**options), self._said | options.keys()
        return self

    def __sklearn_tags__(self) -> Any:
        """What the class reads and answers, for scikit-learn."""
        return self.habits.tags()

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a trained model, for scikit-learn's check_is_fitted."""
        return self.model is not None

    def __sklearn_clone__(self) -> Self:
        """One with the same options that is not fitted, for scikit-learn's clone."""
        made: Self = type(self).of(self.options, self._said)  # type: ignore[attr-defined]
        return made


def folder_of(who: str, out: Any) -> Path | None:
    """The folder that a model is written to; UserError for what names none, such as answers in its place."""
    if out is None:
        return None
    if not isinstance(out, str | os.PathLike):
        raise UserError(f"{who}: out must name a folder, got {type(out).__name__}; give what is learned before it")
    return Path(out)


def not_fitted(text: str) -> UserError:
    """The error of a model that has not learned; scikit-learn's NotFittedError too, for who has imported that."""
    return _not_fitted_error()(text) if "sklearn" in sys.modules else UserError(text)


@cache
def _not_fitted_error() -> type[UserError]:
    from sklearn.exceptions import NotFittedError

    return type("NotFitted", (UserError, NotFittedError), {})
