"""Compositions of recurrences, one file each, written once over a few array operations."""

RUNNING = {
    "text": "throughtime.runtime.text:TextModel",
    "forecast": "throughtime.runtime.series:SeriesModel",
    "classify": "throughtime.runtime.classify:TextClassifier",
    "tag": "throughtime.runtime.tag:TokenTagger",
}
"""Every task and the class, as module:name, that runs its model without torch: `from_folder(path, config, weights)`
makes one."""
