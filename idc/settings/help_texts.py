"""Every setting of a run in one sentence: on the form and in ``python -m idc train --help``."""

from collections.abc import Mapping

SETTING_HELP: Mapping[str, str] = {
    "data": "The data set's name.",
    "preset": "The network, and the settings that suit it; each of them can be changed.",
    "architecture": "The network of the preset 'yours', as Build describes it and has it in its "
    "address: 3x1-w16-k3-max-d0-average, say.",
    "protocol": "How patches are dealt into a part to train on and parts to score on.",
    "unlisted": "With published cases: those of no published list (119 of the 279) are ignored, so "
    "that the split is exactly the papers', or train.",
    "patches": "How many patches to use, drawn at random at the same rate from both classes before "
    "the split.",
    "folds": "Into how many folds the cases are dealt, by case only; 0 for the usual shares.",
    "fold": "Which of the folds is held out and scored, from 1; 0 without folds.",
    "leave_out_marked": "Patches whose label a reviewer marked wrong on Labels, and nobody keep, "
    "do not train; they are scored all the same, and which ones is settled when the run starts.",
    "seed": "Of everything random: the draw, the split, the first weights, the order of patches; "
    "the same seed repeats the run.",
    "split_seed": "Of the draw and the split alone, for a run that shall hold out what another one "
    "did; its training patches are then drawn anew with the seed.",
    "epochs": "How often the network sees every training patch.",
    "batch_size": "Patches between two corrections of the weights.",
    "learning_rate": "How large each correction is; with one cycle, the largest of them. The quick "
    "presets propose a larger one for a larger batch.",
    "optimizer": "How corrections follow from gradients: adam, or adamw, which also lets weights "
    "decay.",
    "weight_decay": "How strongly adamw pulls the weights towards 0 at each step, against learning "
    "by heart.",
    "schedule": "The learning rate stays constant, or goes up to its highest value and down to "
    "almost 0 in one cycle over all epochs.",
    "label_smoothing": "The share of each label that goes to the other class, against answers that "
    "are too sure.",
    "augmentation": "Shows each training patch turned, mirrored or stained otherwise in every "
    "epoch.",
    "balancing": "Positive patches are rarer: class weights let each count for more in the loss, "
    "resampling shows as many of each class; training patches only.",
    "early_stopping": "Ends when the validation loss has not improved for some epochs.",
    "patience": "How many epochs without improvement early stopping waits.",
    "precision": "The numbers that the network computes with: float32, or mixed, which computes in "
    "float16 with float32 weights and is faster on a GPU.",
    "name": "What people call the run; its id holds date, time and preset anyway.",
}
