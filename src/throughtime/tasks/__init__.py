"""One file per job people come with: its data, its model, its metrics and the baselines beside them."""

TASKS = {
    "text": "learn a text and write on:  throughtime train text FILE --out DIR",
    "forecast": "learn series and forecast them:  throughtime train forecast DATA --horizon 24 --out DIR",
    "classify": "learn to tell texts apart:  throughtime train classify DATA --text review --label label --out DIR",
    "tag": "learn slots, entities and intents:  throughtime train tag DATA --out DIR",
}
"""Every task and what it is. What the verbs do for it is in the module of its name and _commands: functions train, run,
evaluate, report and demo, whose parameters are the command's, and write_report."""

MODELS = {
    "LanguageModel": "throughtime.tasks.text",
    "Forecaster": "throughtime.tasks.forecaster",
    "Classifier": "throughtime.tasks.classifier",
    "Tagger": "throughtime.tasks.tagger",
}
"""The class of each task's model, in scikit-learn's habits, and its module."""
